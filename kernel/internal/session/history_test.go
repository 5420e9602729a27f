package session_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"spindle/kernel/internal/session"
)

func openHistory(t *testing.T, path string) *session.History {
	t.Helper()
	h, err := session.OpenHistory(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// query gives what is found as "session/line source".
func query(t *testing.T, h *session.History, q session.HistoryQuery) []string {
	t.Helper()
	entries, err := h.Query(q)
	if err != nil {
		t.Fatal(err)
	}
	found := []string{}
	for _, e := range entries {
		found = append(found, fmt.Sprintf("%d/%d %s", e.Session, e.Line, e.Source))
	}
	return found
}

func TestHistoryQueries(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "history.jsonl")
	first := openHistory(t, path)
	first.Add(1, "x := 1", "")
	first.Add(2, "x + 1", "2")
	first.Close()
	openHistory(t, path).Close() // a session without cells has its number, too
	h := openHistory(t, path)
	h.Add(1, "y := [2]int{}", "")
	h.Add(2, "x + 1", "2")
	h.Add(3, "func f() {\n\treturn\n}", "")
	n := func(i int) *int { return &i }
	for _, c := range []struct {
		name string
		q    session.HistoryQuery
		want []string
	}{
		{"tail", session.HistoryQuery{AccessType: "tail", N: n(2)}, []string{"3/2 x + 1", "3/3 func f() {\n\treturn\n}"}},
		{"tail of all", session.HistoryQuery{AccessType: "tail", N: n(100)}, []string{"1/1 x := 1", "1/2 x + 1", "3/1 y := [2]int{}", "3/2 x + 1", "3/3 func f() {\n\treturn\n}"}},
		{"tail of none", session.HistoryQuery{AccessType: "tail", N: n(0)}, []string{}},
		{"range of this session", session.HistoryQuery{AccessType: "range", Start: 1, Stop: n(3)}, []string{"3/1 y := [2]int{}", "3/2 x + 1"}},
		{"range without end", session.HistoryQuery{AccessType: "range", Start: 3}, []string{"3/3 func f() {\n\treturn\n}"}},
		{"range of an earlier one", session.HistoryQuery{AccessType: "range", Session: 1, Start: 2}, []string{"1/2 x + 1"}},
		{"range counted back", session.HistoryQuery{AccessType: "range", Session: -2, Start: 0, Stop: n(2)}, []string{"1/1 x := 1"}},
		{"search", session.HistoryQuery{AccessType: "search", Pattern: "x*"}, []string{"1/1 x := 1", "1/2 x + 1", "3/2 x + 1"}},
		{"search, unique", session.HistoryQuery{AccessType: "search", Pattern: "x*", Unique: true}, []string{"1/1 x := 1", "3/2 x + 1"}},
		{"search, the last", session.HistoryQuery{AccessType: "search", Pattern: "x*", N: n(1)}, []string{"3/2 x + 1"}},
		{"search over lines", session.HistoryQuery{AccessType: "search", Pattern: "*return*"}, []string{"3/3 func f() {\n\treturn\n}"}},
		{"search with ? and +", session.HistoryQuery{AccessType: "search", Pattern: "? + ?"}, []string{"1/2 x + 1", "3/2 x + 1"}},
		{"search with a set", session.HistoryQuery{AccessType: "search", Pattern: "[xy] :=*"}, []string{"1/1 x := 1", "3/1 y := [2]int{}"}},
		{"search with a set left out", session.HistoryQuery{AccessType: "search", Pattern: "[^x]*"}, []string{"3/1 y := [2]int{}", "3/3 func f() {\n\treturn\n}"}},
		{"search with a lone bracket", session.HistoryQuery{AccessType: "search", Pattern: "*[2*"}, []string{"3/1 y := [2]int{}"}},
		{"search for everything", session.HistoryQuery{AccessType: "search", N: n(1)}, []string{"3/3 func f() {\n\treturn\n}"}},
		{"search for nothing", session.HistoryQuery{AccessType: "search", Pattern: "(*"}, []string{}},
	} {
		if diff := cmp.Diff(c.want, query(t, h, c.q)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	if _, err := h.Query(session.HistoryQuery{AccessType: "search", Pattern: "[z-a]"}); err == nil {
		t.Error("a pattern that is none: no error")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// Kernels that start at once get numbers of their own, and lose no lines.
func TestHistoryOfSeveralKernels(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			h, err := session.OpenHistory(path, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Error(err)
				return
			}
			defer h.Close()
			for i := range 100 {
				h.Add(i+1, strings.Repeat("long ", 500), "")
			}
		})
	}
	wg.Wait()
	entries, err := openHistory(t, path).Query(session.HistoryQuery{AccessType: "search"})
	if err != nil {
		t.Fatal(err)
	}
	of := map[int]int{}
	for _, e := range entries {
		of[e.Session]++
	}
	if len(of) != 8 || len(entries) != 800 {
		t.Errorf("%d entries of sessions %v", len(entries), of)
	}
}

func TestHistoryThatIsDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	content := `{"session":4,"line":1,"source":"kept"}` + "\nnot JSON\n" + `{"session":"x"}` + "\n\n" + `{"session":4,"line":2,"sou`
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	h := openHistory(t, path)
	h.Add(1, "new", "")
	h.Close()
	got := query(t, openHistory(t, path), session.HistoryQuery{AccessType: "search"})
	if diff := cmp.Diff([]string{"4/1 kept", "5/1 new"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := session.OpenHistory(t.TempDir(), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a folder as history: no error")
	}
}

func TestHistoryIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	var b strings.Builder
	for i := range 20_001 {
		fmt.Fprintf(&b, `{"session":1,"line":%d,"source":"s"}`+"\n", i+1)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	h := openHistory(t, path)
	entries, err := h.Query(session.HistoryQuery{AccessType: "tail"})
	if err != nil || len(entries) != 10_000 || entries[9_999].Line != 20_001 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > int64(b.Len())*6/10 {
		t.Errorf("the file has %d bytes of %d, %v", info.Size(), b.Len(), err)
	}
}

func FuzzHistorySearch(f *testing.F) {
	for _, s := range []string{"*", "x*", "[a-z]?", "[^]]", "[", "a[b", "(", `\`, "é[é]", "[[]"} {
		f.Add(s, "x + 1")
	}
	f.Fuzz(func(t *testing.T, pattern, source string) {
		if !utf8.ValidString(source) {
			return // JSON has none
		}
		h := session.NewHistory()
		h.Add(1, source, "")
		_, _ = h.Query(session.HistoryQuery{AccessType: "search", Pattern: pattern}) // a bad one is an error
		if !strings.ContainsAny(source, "*?[") {
			if got, err := h.Query(session.HistoryQuery{AccessType: "search", Pattern: source}); source != "" && (err != nil || len(got) != 1) {
				t.Errorf("%q doesn't match itself: %v %v", source, got, err)
			}
		}
	})
}
