package program

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhole(t *testing.T) {
	for source, want := range map[string]bool{
		"package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println() }": true,
		"func main() {}": true,
		"// doc\nfunc f() {}\nfunc main() { f() }": true,
		"func main() { fmt.Println(\"x\" }":        true, // the compiler says what is wrong with it
		"main()":                                   false,
		"x := 1\nfunc main() {}":                   false,
		"func (t T) main() {}":                     false,
		"func main(x int) {}":                      false,
		"x := `func main() {}`":                    false,
		"":                                         false,
	} {
		if got := Whole(source); got != want {
			t.Errorf("%q: %v", source, got)
		}
	}
}

func TestBlankKeepsLines(t *testing.T) {
	for in, want := range map[string]string{
		"package main\n\nfunc main() {}":     "            \n\nfunc main() {}",
		"// x\npackage main; import \"fmt\"": "// x\n            ; import \"fmt\"",
		"func main() {}":                     "func main() {}",
	} {
		if d := cmp.Diff(want, Blank(in)); d != "" {
			t.Errorf("%q: %s", in, d)
		}
	}
}

func TestFileSuppliesWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"all": {
			"func main() { fmt.Println(strings.ToUpper(\"x\")) }",
			"package main; import \"fmt\"; import \"strings\"\n//line /spindle/cell.go:1\nfunc main() { fmt.Println(strings.ToUpper(\"x\")) }",
		},
		"nothing": {"package main\nfunc main() {}", "//line /spindle/cell.go:1\npackage main\nfunc main() {}"},
		"imports": {"package main\nfunc main() { os.Exit(1) }", "//line /spindle/cell.go:1\npackage main; import \"os\"\nfunc main() { os.Exit(1) }"},
		"own name": {
			"func main() { var path T; path.Do() }",
			"package main\n//line /spindle/cell.go:1\nfunc main() { var path T; path.Do() }",
		},
		"ambiguous": {"func main() { rand.Int() }", "package main\n//line /spindle/cell.go:1\nfunc main() { rand.Int() }"},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c.want, file(parse(c.in))); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestMapperInPieces(t *testing.T) {
	const in = "panic: x\n\ngoroutine 1 [running]:\nmain.main()\n\t/spindle/cell.go:12 +0x1d\n    cell.go:3: bad\n/spindle/cel and /spindle/cell.go:7"
	const want = "panic: x\n\ngoroutine 1 [running]:\nmain.main()\n\tcell 4, line 12\n    cell 4, line 3: bad\n/spindle/cel and cell 4, line 7"
	for n := 1; n <= len(in); n++ {
		m := Mapper{Cell: 4, Tests: true}
		var got []byte
		for rest := in; rest != ""; {
			k := min(n, len(rest))
			got = append(got, m.Feed([]byte(rest[:k]))...)
			rest = rest[k:]
		}
		got = append(got, m.Rest()...)
		if d := cmp.Diff(want, string(got)); d != "" {
			t.Fatalf("in pieces of %d: %s", n, d)
		}
	}
	m := Mapper{Cell: 1}
	if got := string(m.Feed([]byte("prompt: "))); got != "prompt: " {
		t.Errorf("a prompt is held back: %q", got)
	}
}

func toolchain(t *testing.T) *Toolchain {
	t.Helper()
	tc, err := Find(t.TempDir())
	if err != nil {
		t.Skipf("SKIP: %v", err)
	}
	return tc
}

func TestBuild(t *testing.T) {
	tc := toolchain(t)
	ctx := context.Background()
	job := Job{Kind: Run, Cell: 3, Source: "func main() { fmt.Print(1, \" \", double(21)) }", State: "package main\n\nfunc double(n int) int { return 2 * n }\n"}
	built, err := tc.Build(ctx, job)
	if err != nil {
		t.Fatal(err)
	}
	if built.Cached {
		t.Error("cached before it was built")
	}
	out, err := exec.Command(built.Path).CombinedOutput()
	if err != nil || string(out) != "1 42" {
		t.Errorf("%q, %v", out, err)
	}
	job.Cell = 9
	if again, err := tc.Build(ctx, job); err != nil || !again.Cached || again.Path != built.Path {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestBuildRefuses(t *testing.T) {
	tc := toolchain(t)
	for name, c := range map[string]struct {
		source string
		want   []string
	}{
		"several": {"package main\n\nfunc main() {\n\tx := 1\n\ty := 2\n}", []string{"cell 5, line 4: declared and not used: x", "cell 5, line 5: declared and not used: y"}},
		"syntax":  {"func main() {\n\tf(1,\n}", []string{"cell 5, line 3: syntax error: unexpected }, expected expression"}},
		"lab":     {"import \"spindle/lab\"\nfunc main() { lab.List() }", []string{"package spindle/lab is part of the kernel, and a program of its own can't import it: use it in an ordinary cell, without func main"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tc.Build(context.Background(), Job{Kind: Run, Cell: 5, Source: c.source})
			var f *Failure
			if !errors.As(err, &f) {
				t.Fatalf("got %v", err)
			}
			if d := cmp.Diff(c.want, f.Lines); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestBuildStopsWithItsContext(t *testing.T) {
	tc := toolchain(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := tc.Build(ctx, Job{Kind: Run, Source: "func main() {}"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestStatementsAloneAreWrapped(t *testing.T) {
	tc := toolchain(t)
	built, err := tc.Build(context.Background(), Job{Kind: Run, Source: "x := 6\nfmt.Print(x * 7)\npanic(\"here\")"})
	if err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command(built.Path).CombinedOutput()
	if got := Positions(string(out), 2); !strings.HasPrefix(got, "42panic: here") || !strings.Contains(got, "cell 2, line 3") {
		t.Errorf("%s", got)
	}
}

func FuzzWhole(f *testing.F) {
	f.Add("package main\nfunc main() {}")
	f.Add("x := 1; func main() {")
	f.Fuzz(func(t *testing.T, source string) {
		Whole(source)
		if got, want := strings.Count(Blank(source), "\n"), strings.Count(source, "\n"); got != want {
			t.Errorf("%d lines, want %d", got, want)
		}
		file(parse(source))
	})
}

func TestSessionFile(t *testing.T) {
	const in = "package main\n\nimport \"fmt\"\nimport \"os\"\n\nvar x = os.Args\n\nfunc f() int { return 1 }\n\nimport \"strings\"\n\n" +
		"type T struct{ n int }\n\nfunc (t *T) String() string { return fmt.Sprint(t.n) }\n\nfunc f() string { return strings.ToUpper(\"x\") }\n\nconst c = 3\n\nfunc main() {}\n"
	const want = "package main\nimport \"fmt\"\nimport \"strings\"\n\ntype T struct{ n int }\n\nfunc (t *T) String() string { return fmt.Sprint(t.n) }\n\nfunc f() string { return strings.ToUpper(\"x\") }\n\nconst c = 3\n"
	got, err := sessionFile(in)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, err := sessionFile("package main\nx := 1"); err == nil {
		t.Error("statements make no file")
	}
}

// A program may import modules; the version that was chosen is told.
func TestThirdPartyModule(t *testing.T) {
	tc := toolchain(t)
	built, err := tc.Build(t.Context(), Job{Kind: Run, Cell: 1, Source: `import "github.com/google/uuid"

func main() { fmt.Print(uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8").Version()) }`})
	if err != nil {
		for _, offline := range []string{"dial tcp", "no such host", "i/o timeout", "module lookup disabled"} {
			if strings.Contains(err.Error(), offline) {
				t.Skipf("SKIP: no modules can be had from here: %v", err)
			}
		}
		t.Fatal(err)
	}
	out, err := exec.Command(built.Path).CombinedOutput()
	if err != nil || string(out) != "VERSION_1" {
		t.Errorf("%q, %v", out, err)
	}
	if len(built.Modules) != 1 || !strings.HasPrefix(built.Modules[0], "github.com/google/uuid v") {
		t.Errorf("modules %q", built.Modules)
	}
}
