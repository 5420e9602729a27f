package course

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSync(t *testing.T) {
	from, folder := t.TempDir(), filepath.Join(t.TempDir(), "course")
	sync := func(want Report) {
		t.Helper()
		got, err := Sync(from, folder, false, noon)
		if err != nil {
			t.Fatal(err)
		}
		want.First = "01-a.ipynb"
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("report (-want +got):\n%s", d)
		}
	}
	put(t, from+"/01-a.ipynb", "one")
	put(t, from+"/02-b.ipynb", "two")
	put(t, from+"/solutions/01.md", "s")
	put(t, from+"/main.go", "package main")
	sync(Report{New: []string{"01-a.ipynb", "02-b.ipynb", "solutions/01.md"}})
	if _, err := os.Stat(folder + "/main.go"); err == nil {
		t.Error("copied what isn't the course's")
	}
	sync(Report{}) // nothing to do

	// The learner changes one, the course changes both.
	put(t, folder+"/01-a.ipynb", "one, mine")
	sync(Report{Kept: []string{"01-a.ipynb"}})
	put(t, from+"/01-a.ipynb", "one, better")
	put(t, from+"/02-b.ipynb", "two, better")
	sync(Report{Updated: []string{"02-b.ipynb"}, Kept: []string{"01-a.ipynb"}, Beside: []string{"01-a.new.ipynb"}})
	if got := get(t, folder+"/01-a.ipynb"); got != "one, mine" {
		t.Errorf("the learner's work is now %q", got)
	}
	if got := get(t, folder+"/01-a.new.ipynb"); got != "one, better" {
		t.Errorf("the new version is %q", got)
	}
	if got := get(t, folder+"/02-b.ipynb"); got != "two, better" {
		t.Errorf("the untouched copy is %q", got)
	}
	// The learner goes on with the new version; the one after it has another name.
	put(t, folder+"/01-a.new.ipynb", "one, better, mine")
	put(t, from+"/01-a.ipynb", "one, best")
	sync(Report{Kept: []string{"01-a.ipynb"}, Beside: []string{"01-a.new2.ipynb"}})
	if got := get(t, folder+"/01-a.new.ipynb"); got != "one, better, mine" {
		t.Errorf("the learner's work in the new version is now %q", got)
	}
	// A new version was offered once; a learner who removed it has decided.
	if err := os.Remove(folder + "/01-a.new.ipynb"); err != nil {
		t.Fatal(err)
	}
	sync(Report{Kept: []string{"01-a.ipynb"}})
}

func TestLostRecordKeepsEverything(t *testing.T) {
	from, folder := t.TempDir(), t.TempDir()
	put(t, from+"/01-a.ipynb", "new")
	put(t, folder+"/01-a.ipynb", "whose?")
	put(t, folder+"/"+record, "{")
	r, err := Sync(from, folder, false, noon)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Report{Kept: []string{"01-a.ipynb"}, Beside: []string{"01-a.new.ipynb"}, First: "01-a.ipynb"}, r); d != "" {
		t.Error(d)
	}
	if got := get(t, folder+"/01-a.ipynb"); got != "whose?" {
		t.Errorf("overwritten: %q", got)
	}
}

func TestFresh(t *testing.T) {
	from, folder := t.TempDir(), filepath.Join(t.TempDir(), "course")
	put(t, from+"/01-a.ipynb", "one")
	put(t, folder+"/01-a.ipynb", "mine")
	r, err := Sync(from, folder, true, noon)
	if err != nil {
		t.Fatal(err)
	}
	if got := get(t, folder+"/01-a.ipynb"); got != "one" {
		t.Errorf("not fresh: %q", got)
	}
	if r.Moved != folder+".2026-11-24-120000" || get(t, r.Moved+"/01-a.ipynb") != "mine" {
		t.Errorf("moved to %q", r.Moved)
	}
}

func TestNoLessons(t *testing.T) {
	if _, err := Sync(t.TempDir(), t.TempDir(), false, noon); err == nil {
		t.Error("no error")
	}
}

func TestLessonsComeWithoutOutputs(t *testing.T) {
	from, folder := t.TempDir(), filepath.Join(t.TempDir(), "course")
	lesson := func(count, output string) string {
		return `{
 "cells": [
  {
   "cell_type": "code",
   "execution_count": ` + count + `,
   "id": "a",
   "metadata": {
    "tags": [
     "guess"
    ]
   },
   "outputs": [` + output + `],
   "source": [
    "1 < 2 && x"
   ]
  },
  {
   "cell_type": "markdown",
   "id": "b",
   "metadata": {},
   "source": []
  }
 ],
 "metadata": {},
 "nbformat": 4,
 "nbformat_minor": 5
}
`
	}
	put(t, from+"/01-a.ipynb", lesson("3", `{"name": "stdout", "output_type": "stream", "text": ["7"]}`))
	sync := func() Report {
		t.Helper()
		r, err := Sync(from, folder, false, noon)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(lesson("null", ""), get(t, folder+"/01-a.ipynb")); d != "" {
			t.Errorf("the copy (-want +got):\n%s", d)
		}
		return r
	}
	sync()
	// Other outputs are no other lesson.
	put(t, from+"/01-a.ipynb", lesson("4", `{"name": "stdout", "output_type": "stream", "text": ["8"]}`))
	if r := sync(); r.New != nil || r.Updated != nil {
		t.Errorf("after a run with other outputs: %+v", r)
	}
}
