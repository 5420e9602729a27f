package oracle

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var (
	update = flag.Bool("update", false, "let the toolchain write the golden outcomes anew")
	only   = flag.String("only", "", "with -update: programs whose names match this `regexp`")
)

func TestUpdate(t *testing.T) {
	if !*update {
		t.Skip("goldens are written only with -update")
	}
	programs, err := Load(os.DirFS("testdata/corpus"))
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(*only)
	var chosen []Program
	for _, p := range programs {
		if match.MatchString(p.Name) {
			chosen = append(chosen, p)
		}
	}
	outcomes, err := Judge(context.Background(), t.TempDir(), chosen)
	if err != nil {
		t.Error(err)
	}
	if outcomes == nil {
		t.FailNow()
	}
	for i, p := range chosen {
		p.Want, p.Judged = outcomes[i], true
		if err := os.WriteFile(filepath.Join("testdata/corpus", p.Name+".txtar"), p.Format(), 0o644); err != nil {
			t.Error(err)
		}
	}
}
