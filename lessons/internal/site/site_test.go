package site

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"spindle/lessons/internal/course"
	"spindle/lessons/internal/notebook"
)

func TestANSI(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "a<b>&\"", "a&lt;b&gt;&amp;&#34;"},
		{"colour and reset", "\x1b[31mred\x1b[0m x", `<span class="ansi-fg-1">red</span> x`},
		{"reset without a number", "\x1b[1;32mok\x1b[m.", `<span class="ansi-fg-2 ansi-bold">ok</span>.`},
		{"bright and background", "\x1b[91;44mx", `<span class="ansi-fg-9 ansi-bg-4">x</span>`},
		{"256 colours", "\x1b[38;5;208mx\x1b[48;5;244my", `<span style="color:#ff8700">x</span><span style="color:#ff8700;background:#808080">y</span>`},
		{"256 colours, the basic ones", "\x1b[38;5;9mx", `<span class="ansi-fg-9">x</span>`},
		{"24 bits", "\x1b[38;2;1;2;255mx", `<span style="color:#0102ff">x</span>`},
		{"out of range", "\x1b[38;5;999mx\x1b[38mx", `xx`},
		{"off again", "\x1b[1;3;4mx\x1b[22;23;24my", `<span class="ansi-bold ansi-italic ansi-underline">x</span>y`},
		{"other sequences are dropped", "a\x1b[2Kb\x1b[1;1Hc\x1b=d", "abcd"},
		{"links and images are dropped", "a\x1b]8;;http://x/\x1b\\b\x1b]1337;File=name=x:AAAA\x07c", "abc"},
		{"cut short", "a\x1b[3", "a"},
		{"escape at the end", "a\x1b", "a"},
		{"markup in a parameter", "\x1b[<script>m", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ansiHTML(tt.in)
			if tt.name == "markup in a parameter" {
				if strings.Contains(got, "<script") {
					t.Errorf("got %q", got)
				}
				return
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestInlineSVGKeepsIDsApart(t *testing.T) {
	in := `<?xml version="1.0"?><!DOCTYPE svg><svg xmlns="http://www.w3.org/2000/svg"><clipPath id="c"/><g clip-path="url(#c)"/><use href='#c'/><a href="#elsewhere"/></svg>`
	want := `<svg xmlns="http://www.w3.org/2000/svg"><clipPath id="o7-c"/><g clip-path="url(#o7-c)"/><use href='#o7-c'/><a href="#elsewhere"/></svg>`
	if got := inlineSVG(in, 7); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := inlineSVG("no <picture>", 1); !strings.Contains(got, "no &lt;picture&gt;") {
		t.Errorf("got %s", got)
	}
}

func code(id, source string, outputs ...*notebook.Output) *notebook.Cell {
	return &notebook.Cell{Type: notebook.Code, ID: id, Source: source, ExecutionCount: 1, Outputs: outputs}
}

func shows(mime string, v any) *notebook.Output {
	return &notebook.Output{Type: notebook.DisplayData, Data: map[string]any{mime: v, "text/plain": "as text"}}
}

func sample() *Site {
	claims := code("p1", "fmt.Println(1)", shows(course.VerdictMIME, map[string]any{"claim": "P1", "verdict": "holds in part", "reason": "because <so>"}))
	claims.Metadata = map[string]any{"tags": []any{"P1", "exercise:01-1"}}
	n := &notebook.Notebook{
		Metadata: map[string]any{"spindle": map[string]any{"minutes": json.Number("20"), "captured": map[string]any{"go": "go1.26", "memory_bytes": json.Number("2147483648")}}},
		Cells: []*notebook.Cell{
			{
				Type: notebook.Markdown, ID: "title", Source: "# One & only\n\n## A part\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```go\nfunc main() {}\n```\n\n![here](pic.svg) ![there](http://example.com/x.png) ![in](attachment:a.png) ![up](../secret.svg)\n\n[next](02-two.ipynb)",
				Attachments: map[string]any{"a.png": map[string]any{"image/png": "AAAA\n"}},
			},
			{Type: notebook.Markdown, ID: "again", Source: "## A part"},
			claims,
			code("magic", "%%go run -race\npackage main", shows("text/html", `<b>bold</b><meta http-equiv="refresh" content="0;url=http://example.com">`)),
			code("pics", "x", shows("image/png", "AA\nBB"), shows("image/svg+xml", `<svg id="a"></svg>`), shows("text/markdown", "*so*"), shows("application/json", map[string]any{"k": json.Number("1")})),
			code("bad", "panic(1)", &notebook.Output{Type: notebook.Error, EName: "panic", EValue: "<x>"}),
			code("blank", "  "),
		},
	}
	two := &notebook.Notebook{Cells: []*notebook.Cell{{Type: notebook.Markdown, ID: "t", Source: "# 2 Two"}}}
	return &Site{Title: "The course", Notebooks: true, Lessons: []Lesson{
		{Lesson: course.Lesson{Number: "01", Name: "01-one"}, Notebook: n, Pictures: "testdata"},
		{Lesson: course.Lesson{Number: "02", Name: "02-two"}, Notebook: two, Problem: "cell 3 failed"},
	}}
}

func TestPage(t *testing.T) {
	b, err := sample().Page(0)
	if err != nil {
		t.Fatal(err)
	}
	html := string(b)
	for _, want := range []string{
		"<title>One &amp; only · The course</title>",
		`<h2 id="a-part">A part</h2>`, `<h2 id="a-part-1">A part</h2>`, `<a href="#a-part-1">`,
		"<table>", `<span class="kd">func</span>`,
		`src="data:image/svg+xml;base64,`, `<a href="http://example.com/x.png">picture: there</a>`, `src="data:image/png;base64,AAAA"`, `<a href="../secret.svg">picture: up</a>`,
		`<a href="02-two.html">next</a>`, `href="01-one.ipynb" download`,
		`<a class="claim" href="index.html#P1">P1</a>`, `<section class="cell exercise" id="p1">`,
		`<span class="magic">%%go run -race</span>`, "<b>bold</b>&lt;meta",
		`src="data:image/png;base64,AABB"`, `<svg id="o4-a">`, "<em>so</em>", "&#34;k&#34;: 1", "panic: &lt;x&gt;",
		"<dd>2.0 GiB</dd>", "20 minutes", `<a class="next" rel="next" href="02-two.html">`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if t.Failed() {
		t.Log(html[strings.Index(html, "<body"):])
	}
}

var fetched = regexp.MustCompile(`(?i)(?:\ssrc\s*=\s*["']?(?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import|<link[^>]+href="(?:https?:)?//)`)

func TestPagesFetchNothing(t *testing.T) {
	dir := t.TempDir()
	index, err := sample().Write(filepath.Join(dir, "new", "out"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"index.html", "01-one.html", "02-two.html"} {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(index), name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), `Content-Security-Policy" content="default-src 'none'`) {
			t.Errorf("%s has no policy", name)
		}
		if m := fetched.FindString(string(b)); m != "" {
			t.Errorf("%s fetches: %s", name, m)
		}
	}
}

func TestIndex(t *testing.T) {
	b, err := sample().Index()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<a href="01-one.html">`, `<span class="number">02</span> <span class="title">Two</span>`, `<p class="problem">cell 3 failed</p>`, `<tr id="P1">`, `href="01-one.html#p1"`,
		"because &lt;so&gt;", `<span class="verdict-name holds-in-part">1 holds in part</span>`, `<tr id="E2">`, "not run",
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the index lacks %s", want)
		}
	}
}

func TestWriteSaysWhatItCannot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sample().Write(filepath.Join(file, "out")); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v, want an error that names %s", err, file)
	}
}

var ownTag = regexp.MustCompile(`<span(?: class="[a-z0-9 -]+")?(?: style="[a-z0-9:;#]+")?>|</span>`)

func FuzzANSI(f *testing.F) {
	f.Add("\x1b[1;31mpanic\x1b[0m: x")
	f.Add("\x1b]8;;http://x/\x07a\x1b[38;5;200;48;2;1;2;3mb\x1b[")
	f.Add("<script>\x1b[\"onload=mx")
	f.Fuzz(func(t *testing.T, text string) {
		got := ansiHTML(text)
		if rest := ownTag.ReplaceAllString(got, ""); strings.ContainsAny(rest, "<>\"") {
			t.Fatalf("%q gives markup of its own: %q", text, got)
		}
		if strings.Count(got, "<span") != strings.Count(got, "</span>") {
			t.Fatalf("%q gives unbalanced spans: %q", text, got)
		}
	})
}
