package site

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"spindle/lessons/internal/course"
	"spindle/lessons/internal/notebook"
)

// browser finds a Chromium, or skips.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("SKIP: no Chromium on this machine to open pages with")
	return ""
}

// visit opens the file and returns the page as it stands after its scripts ran.
func visit(t *testing.T, chromium, path string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args := []string{
		"--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir=" + t.TempDir(),
		"--virtual-time-budget=3000", "--dump-dom", "file://" + path,
	}
	if os.Getuid() == 0 {
		args = append([]string{"--no-sandbox"}, args...) // Chromium's sandbox refuses root
	}
	out, err := exec.CommandContext(ctx, chromium, args...).Output()
	if err != nil {
		t.Fatalf("chromium: %v", err)
	}
	return string(out)
}

// What an output may try is asked of a server that counts: from a page of ours
// nothing comes, from the same HTML in a bare page something does.
func TestNoRequestFromAPage(t *testing.T) {
	chromium := browser(t)
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	defer server.Close()
	u := server.URL
	greedy := `<img src="` + u + `/a.png"><script src="` + u + `/b.js"></script><link rel="stylesheet" href="` + u + `/c.css">
<iframe src="` + u + `/d"></iframe><style>@import url(` + u + `/e.css); p { background: url(` + u + `/f.png) }</style><p>text</p>
<script>document.title = "ran"; fetch("` + u + `/g").catch(() => {}); new Image().src = "` + u + `/h"</script>
<object data="` + u + `/i"></object><video src="` + u + `/j" autoplay></video><meta http-equiv="refresh" content="0;url=` + u + `/k">`

	dir := t.TempDir()
	bare := filepath.Join(dir, "bare.html")
	if err := os.WriteFile(bare, []byte(greedy), 0o600); err != nil {
		t.Fatal(err)
	}
	visit(t, chromium, bare)
	if requests.Load() == 0 {
		t.Fatal("the bare page asked for nothing: the count can't be trusted")
	}

	n := &notebook.Notebook{Cells: []*notebook.Cell{
		{Type: notebook.Markdown, ID: "title", Source: "# Greedy\n\n![x](" + u + "/l.png)\n\n<img src='" + u + "/m.png'>"},
		code("html", "x", shows("text/html", greedy), shows("image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"><image href="`+u+`/n.png"/></svg>`)),
	}}
	s := &Site{Title: "T", Lessons: []Lesson{{Lesson: course.Lesson{Name: "greedy"}, Notebook: n}}}
	if _, err := s.Write(dir); err != nil {
		t.Fatal(err)
	}
	requests.Store(0)
	dom := visit(t, chromium, filepath.Join(dir, "greedy.html"))
	if !strings.Contains(dom, "<title>ran</title>") {
		t.Error("the output's own script didn't run")
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("the page made %d requests", n)
	}
}
