package frontends

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"spindle/install/internal/labserver"
	"spindle/install/needs"
)

// page is JupyterLab with one notebook open in a browser.
type page struct {
	*browser
	server *labserver.Server
	folder string
	name   string
}

// startLab starts JupyterLab as `go run ./install lab` does, on a folder of
// the test's own. It ends with the test.
func startLab(t *testing.T) (server *labserver.Server, folder string) {
	t.Helper()
	python := needs.Python(t, "jupyterlab", "nbclient")
	needs.Chromium(t)
	for _, kv := range environment(t) {
		if name, value, ok := strings.Cut(kv, "="); ok && (strings.HasPrefix(name, "JUPYTER") || strings.HasPrefix(name, "IPYTHON") || strings.HasPrefix(name, "XDG_DATA")) {
			t.Setenv(name, value)
		}
	}
	folder = t.TempDir()
	server, err := labserver.Start(t.Context(), labserver.Options{
		Jupyter: needs.Program(t, python, "jupyter"), Folder: folder, Open: "none.ipynb", Data: jupyterData(t), Own: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of JupyterLab's log:\n%s", server.Tail())
		}
		server.End()
	})
	return server, folder
}

// open opens a notebook in a new tab of the browser and waits for its kernel.
func open(t *testing.T, b *browser, server *labserver.Server, folder, name string) *page {
	t.Helper()
	p := &page{b.tab(t), server, folder, name}
	p.do("open "+name, chromedp.Navigate(strings.Replace(server.URL(), "none.ipynb", name, 1)+"&reset"))
	p.until("the notebook is open", patience, `return document.querySelector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell")`)
	p.idle(patience)
	return p
}

// idle waits until the notebook's kernel is there and idle. The indicator
// beside the kernel's name says idle before there is one; the status bar doesn't.
func (p *page) idle(timeout time.Duration) {
	p.t.Helper()
	p.until("the kernel is idle", timeout, `return document.querySelector("#jp-main-statusbar")?.innerText.includes("Go (Spindle) | Idle") &&
		document.querySelector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator")?.dataset.status === "idle"`)
}

// cell is JavaScript for the n-th cell, from 0.
func cell(n int) string {
	return fmt.Sprintf(`document.querySelectorAll(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell")[%d]`, n)
}

// edit puts the cursor at the end of the n-th cell.
func (p *page) edit(n int) {
	p.t.Helper()
	p.click(fmt.Sprintf("cell %d", n), "return "+cell(n)+`.querySelector(".cm-line:last-child")`)
	p.press(kb.End)
}

// run runs the n-th cell and waits for it to end.
func (p *page) run(n int, timeout time.Duration) {
	p.t.Helper()
	p.start(n)
	p.ended(n, timeout)
}

// start runs the n-th cell.
func (p *page) start(n int) {
	p.t.Helper()
	p.edit(n)
	p.press(enter, ctrl)
}

// ended waits until the n-th cell has a number and the kernel is idle.
func (p *page) ended(n int, timeout time.Duration) {
	p.t.Helper()
	p.until(fmt.Sprintf("cell %d has run", n), timeout, `return /\[\d+\]/.test(`+cell(n)+`.querySelector(".jp-InputPrompt").textContent)`)
	p.idle(timeout)
}

// output is what the n-th cell shows, as text.
func (p *page) output(n int) string {
	p.t.Helper()
	return p.text("return " + cell(n) + `.querySelector(".jp-Cell-outputArea")?.innerText ?? ""`)
}

// wants fails unless the n-th cell shows all of the words.
func (p *page) wants(n int, words ...string) {
	p.t.Helper()
	got := p.output(n)
	for _, w := range words {
		if !strings.Contains(got, w) {
			p.shot("failed-" + strings.ReplaceAll(p.t.Name(), "/", "-"))
			p.t.Errorf("cell %d doesn't show %q; it shows:\n%s", n, w, got)
		}
	}
}

// put writes a notebook with these code cells into the server's folder.
func put(t *testing.T, folder, name string, cells ...string) {
	t.Helper()
	type m = map[string]any
	var list []m
	for i, source := range cells {
		list = append(list, m{
			"cell_type": "code", "id": fmt.Sprintf("c%d", i), "metadata": m{}, "source": source, "outputs": []m{}, "execution_count": nil,
		})
	}
	nb := m{
		"nbformat": 4, "nbformat_minor": 5, "cells": list,
		"metadata": m{"kernelspec": m{"name": "spindle", "display_name": "Go (Spindle)", "language": "go"}},
	}
	b, err := json.Marshal(nb)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name), b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// api asks JupyterLab's server, and decodes its answer into out where that
// isn't nil.
func api(t *testing.T, s *labserver.Server, method, path string, out any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, fmt.Sprintf("http://127.0.0.1:%d%s", s.Port, path), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "token "+s.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s", method, path, resp.Status)
	}
	if out == nil {
		return
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
}

// runtimeDir is where the server of startLab writes connection files.
func runtimeDir() string { return os.Getenv("JUPYTER_RUNTIME_DIR") }

// A learner opens lesson 04, runs it all, and sees a plot and no error.
func TestLesson(t *testing.T) {
	server, folder := startLab(t)
	const name = "04-goroutine.ipynb"
	path := lessonCopy(t, name, folder)
	p := open(t, newBrowser(t), server, folder, name)
	p.menu("Edit", "Clear Outputs of All Cells")
	p.menu("Run", "Run All Cells")
	p.until("every cell has run", 5*time.Minute, `return [...document.querySelectorAll(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell")].every(c =>
		/\[\d+\]/.test(c.querySelector(".jp-InputPrompt")?.textContent ?? ""))`)
	p.idle(patience)
	var errors []string
	p.eval(`return [...document.querySelectorAll('[data-mime-type="application/vnd.jupyter.error"]')].map(e => e.innerText)`, &errors)
	if len(errors) > 0 {
		t.Errorf("errors: %q", errors)
	}
	p.until("a plot is drawn", 10*time.Second, `return [...document.querySelectorAll(".jp-OutputArea-output img, .jp-OutputArea-output svg")].some(e => {
		const r = e.getBoundingClientRect(); return r.width > 200 && r.height > 100 && (e.tagName !== "IMG" || e.naturalWidth > 0) })`)
	p.eval(`[...document.querySelectorAll(".jp-OutputArea-output img, .jp-OutputArea-output svg")].find(e => e.getBoundingClientRect().width > 200).scrollIntoView({block: "center"})`, new(any))
	time.Sleep(500 * time.Millisecond) // scrolling is smooth
	p.shot("lesson-04")

	// What was run is kept.
	p.press("s", ctrl)
	var saved notebook
	deadline := time.Now().Add(20 * time.Second)
	for counted := false; !counted; time.Sleep(200 * time.Millisecond) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		counted = json.Unmarshal(b, &saved) == nil
		for _, c := range saved.Cells {
			counted = counted && (c.Type != "code" || c.Count != nil)
		}
		if time.Now().After(deadline) {
			t.Fatal("the notebook isn't saved with every cell's number")
		}
	}
	for i, c := range saved.Cells {
		for _, o := range c.Outputs {
			if o.Type == "error" {
				t.Errorf("cell %d is saved with an error", i)
			}
		}
	}
}
