package progress

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLog(t *testing.T) {
	var out bytes.Buffer
	r := New(&out)
	s := r.Step("build %s", "it")
	s.Detail("nothing to see in a log")
	r.Printf("by the way")
	s.Done()
	s.Fail() // already ended: says nothing
	r.Step("next").Fail()
	want := regexp.MustCompile(`^build it …\nby the way\nbuild it: \(0\.\d s\)\nnext …\nnext: failed \(0\.\d s\)\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("wrote %q", out.String())
	}
}

func TestTerminal(t *testing.T) {
	var out bytes.Buffer
	r := New(&out)
	r.width = func() int { return 30 }
	s := r.Step("build")
	s.Detail("%s", strings.Repeat("ä", 40))
	r.Printf("line")
	s.Done()
	for _, part := range strings.Split(out.String(), "\r\x1b[K") {
		if n := len([]rune(strings.TrimSuffix(part, "\n"))); n > 29 {
			t.Errorf("%d characters in %q: the line would wrap", n, part)
		}
	}
	if !strings.Contains(out.String(), "\r\x1b[Kline\n\r\x1b[Kbuild … ") {
		t.Errorf("the line isn't drawn anew under what was printed: %q", out.String())
	}
	if !strings.HasSuffix(out.String(), " s)\n") {
		t.Errorf("no end: %q", out.String())
	}
}
