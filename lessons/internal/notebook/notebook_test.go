package notebook_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spindle/lessons/internal/notebook"
)

// testdata/canonical.ipynb was written by Python's nbformat 5.10; loose.ipynb
// is the same notebook as json.dumps writes it, text unsplit and keys unsorted.
func TestEncodeIsWhatNbformatWrites(t *testing.T) {
	want, err := os.ReadFile("testdata/canonical.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"canonical.ipynb", "loose.ipynb"} {
		n, err := notebook.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := n.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("%s differs from nbformat (-want +got):\n%s", name, d)
		}
	}
}

func cells(list string) string {
	return `{"cells": [` + list + `], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}`
}

const plain = `{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# T"}`

func TestReadRefuses(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty file", "", "the file is empty"},
		{"not JSON", "hello", "it isn't JSON (line 1)"},
		{"cut short", "{\n\"cells\": [\n", "it isn't JSON (line 3)"},
		{"a list", "[]", "its JSON isn't an object"},
		{"no version", "{}", "no nbformat number"},
		{"version 3", `{"nbformat": 3, "nbformat_minor": 0, "worksheets": []}`, "nbformat 3.0 is not read here"},
		{"version to come", `{"nbformat": 4, "nbformat_minor": 9, "cells": []}`, "nbformat 4.9 is not read here"},
		{"version of another type", `{"nbformat": "4", "nbformat_minor": 5}`, "no nbformat number"},
		{"no cells", `{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}`, "it has no cells"},
		{"empty list of cells", cells(""), "it has no cells"},
		{"cells no list", `{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": 3}`, "it has no cells"},
		{"two objects", cells(plain) + "{}", "something follows"},
		{"not UTF-8", cells(plain) + "\xff", "UTF-8"},
		{"number out of range", `{"nbformat": 4, "nbformat_minor": 5, "metadata": {"x": 1e999999999}, "cells": []}`, "out of range"},
		{"same id twice", cells(plain + "," + plain), `cell 2 has the id "a"`},
		{"id of a wrong form", cells(strings.Replace(plain, `"a"`, `"a b"`, 1)), "at /cells/0/id"},
		{"a cell that is a number", cells("7"), "at /cells/0"},
		{"code without outputs", cells(`{"cell_type": "code", "id": "a", "metadata": {}, "source": "", "execution_count": null}`), "missing property 'outputs'"},
		{"output of a wrong shape", cells(`{"cell_type": "code", "id": "a", "metadata": {}, "source": "", "execution_count": 1, "outputs": [{"output_type": "stream", "name": "stdout", "text": 3}]}`), "at /cells/0/outputs/0/text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := notebook.Read([]byte(tt.in))
			var format *notebook.FormatError
			if !errors.As(err, &format) {
				t.Fatalf("got %v, want a FormatError", err)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want it to say %q", err, tt.want)
			}
		})
	}
}

func TestReadUpgradesOlderMinors(t *testing.T) {
	n, err := notebook.Read([]byte(`{"cells": [{"cell_type": "markdown", "metadata": {}, "source": ["# A\n", "b"]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 2}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := n.Cells[0]; got.ID != "cell-1" || got.Source != "# A\nb" || n.Title() != "A" {
		t.Errorf("got cell %+v with title %q", got, n.Title())
	}
}

func TestStripKeepsTheAuthors(t *testing.T) {
	n, err := notebook.ReadFile("testdata/canonical.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	before := n.Clone()
	n.Spindle()["captured"] = map[string]any{"date": "2026-11-24"}
	n.Cells[1].Spindle()["source_sha256"] = n.Cells[1].SourceHash()
	n.Cells[1].Metadata["execution"] = map[string]any{}
	n.Strip()
	for _, c := range before.Cells {
		c.Outputs, c.ExecutionCount = nil, 0
	}
	if d := cmp.Diff(before, n); d != "" {
		t.Errorf("strip changed more than the run's traces:\n%s", d)
	}
}

func TestCloneIsApart(t *testing.T) {
	n, err := notebook.ReadFile("testdata/canonical.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	want, _ := n.Encode()
	c := n.Clone()
	c.Spindle()["captured"] = "x"
	c.Cells[1].Outputs[1].Data["text/plain"] = "changed"
	c.Strip()
	got, _ := n.Encode()
	if !bytes.Equal(want, got) {
		t.Error("changing the clone changed the original")
	}
}

func TestWriteFileLosesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.ipynb")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := &notebook.Notebook{Cells: []*notebook.Cell{{Type: "poem", ID: "a"}}}
	if err := notebook.WriteFile(path, bad); err == nil {
		t.Fatal("a cell of an unknown type was written")
	}
	b, err := os.ReadFile(path)
	if err != nil || string(b) != "precious" {
		t.Errorf("after a failed write the file holds %q (%v)", b, err)
	}
	good := &notebook.Notebook{Cells: []*notebook.Cell{{Type: notebook.Markdown, ID: "a", Source: "# A"}}}
	if err := notebook.WriteFile(path, good); err != nil {
		t.Fatal(err)
	}
	if _, err := notebook.ReadFile(path); err != nil {
		t.Error(err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"canonical.ipynb", "loose.ipynb"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(cells(plain)))
	f.Add([]byte(`{"nbformat": 4, "nbformat_minor": 0, "cells": [{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := notebook.Read(b)
		if err != nil {
			return
		}
		// What was read can be written, and that is the canonical form.
		once, err := n.Encode()
		if err != nil {
			t.Fatalf("read but not written: %v", err)
		}
		again, err := notebook.Read(once)
		if err != nil {
			t.Fatalf("written but not read: %v", err)
		}
		twice, err := again.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(once, twice) {
			t.Fatalf("not stable:\n%s\n%s", once, twice)
		}
		n.Strip()
		_ = n.Title()
	})
}
