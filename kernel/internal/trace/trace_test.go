package trace

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const dump = `goroutine 7 [sync.Mutex.Lock, 3 minutes labels:{"spindle_cell": "2", "spindle_site": "cell 2, line 3, main.worker"}]:
internal/sync.runtime_SemacquireMutex(0x1?, 0x1?, 0x0?)
	/usr/local/go/src/runtime/sema.go:95 +0x25
sync.(*Mutex).Lock(0x0?)
	/usr/local/go/src/sync/mutex.go:46 +0x2c
github.com/traefik/yaegi/interp.callBin.func11(0x32a0348cc420)
	/x/run.go:1653 +0x158
spindle/kernel/internal/interp.at(0x8000000200000005, 0x1, 0x2)
	/x/at.go:20 +0x11
spindle/kernel/internal/interp.at(0x8000000200000005, 0x1, 0x2)
	/x/at.go:20 +0x11
spindle/kernel/internal/interp.at(0x8000000200000003, 0x1, 0x2)
	/x/at.go:20 +0x11
created by spindle/kernel/internal/core.Go in goroutine 5
	/x/run.go:107 +0xf0

goroutine 9 gp=0x1 m=0 mp=0x2 [running labels:{"spindle_cell": "4"}]:
spindle/kernel/internal/interp.at(0x8000000400000002, 0x1, 0x2)
	/x/at.go:20 +0x11
...182254 frames elided...
spindle/kernel/internal/interp.at(0x8000000400000002, 0x1, 0x2)
	/x/at.go:20 +0x11
spindle/kernel/internal/interp.at(0x8000000400000004, 0x1, 0x2)
	/x/at.go:20 +0x11
spindle/kernel/internal/interp.at(0x17, 0x1, 0x2)
	/x/at.go:20 +0x11

goroutine 1 [chan receive (nil chan)]:
main.main()
	/x/main.go:1 +0x1
`

func TestParse(t *testing.T) {
	want := []Goroutine{
		{
			ID: 7, State: "sync.Mutex.Lock", Minutes: 3, Cell: 2, Site: "cell 2, line 3, main.worker",
			Places:    []Place{{Cell: 2, Line: 5}, {Cell: 2, Line: 3}},
			Functions: []string{"internal/sync.runtime_SemacquireMutex", "sync.(*Mutex).Lock", "github.com/traefik/yaegi/interp.callBin.func11"},
		},
		{ID: 9, State: "running", Cell: 4, Places: []Place{{Cell: 4, Line: 2}, {Cell: 4, Line: 2, Elided: 182254}, {Cell: 4, Line: 4}}},
		{ID: 1, State: "chan receive (nil chan)", Functions: []string{"main.main"}},
	}
	got := Parse(dump)
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
	lines := strings.Join(got[1].Lines(func(p Place) string { return map[int]string{2: "main.f"}[p.Line] }), "\n")
	const shown = "goroutine 9 [running]:\nmain.f(...)\n\tcell 4, line 2\n...182254 frames elided...\nmain.f(...)\n\tcell 4, line 2\nmain(...)\n\tcell 4, line 4"
	if d := cmp.Diff(shown, lines); d != "" {
		t.Error(d)
	}
	lines = strings.Join(got[0].Lines(nil), "\n")
	const started = "goroutine 7 [sync.Mutex.Lock, 3 minutes]:\nmain(...)\n\tcell 2, line 5\nmain(...)\n\tcell 2, line 3\ncreated by main.worker\n\tcell 2, line 3"
	if d := cmp.Diff(started, lines); d != "" {
		t.Error(d)
	}
}

func TestFuncAt(t *testing.T) {
	const source = "x := 1\nfunc f(n int) int {\n\treturn n\n}\nf(x)\nfunc (t *T) M() {\n\tt.x()\n}\nfunc (t T) N() { t.x() }\nf(2)\n"
	for line, want := range map[int]string{
		1: "", 2: "main.f", 3: "main.f", 4: "main.f", 5: "", 6: "main.(*T).M", 7: "main.(*T).M", 9: "main.T.N", 10: "", 99: "",
	} {
		if got := FuncAt(source, line); got != want {
			t.Errorf("line %d: %q, want %q", line, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(dump)
	f.Add("goroutine 18446744073709551616 [x]:\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, g := range Parse(text) {
			g.Lines(nil)
		}
	})
}
