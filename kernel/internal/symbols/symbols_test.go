package symbols

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	for _, p := range Packages {
		t.Run(filepath.Base(p), func(t *testing.T) {
			want, err := Generate(p)
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join("..", "..", File(p)))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s is out of date: run `go generate ./kernel`", File(p))
			}
		})
	}
}

func TestGenerateRefusesWhatIsNot(t *testing.T) {
	if _, err := Generate("spindle/nowhere"); err == nil {
		t.Error("no error")
	}
}
