// Package site makes web pages of executed notebooks: each complete in itself,
// for reading from a disk, in both themes and on paper. A page fetches nothing.
package site

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"spindle/lessons/internal/course"
	"spindle/lessons/internal/notebook"
)

// Lesson is one notebook to make a page of.
type Lesson struct {
	course.Lesson
	Notebook *notebook.Notebook
	// Pictures is the folder that relative images of its Markdown are under.
	Pictures string
	// Problem says in a line why the run of this lesson isn't whole, "" where it is.
	Problem string
}

// Site is the course, or the part of it that was run.
type Site struct {
	Title   string
	Lessons []Lesson // in order
	// Notebooks tells that NAME.ipynb lies beside each page, to be linked.
	Notebooks bool
}

//go:embed style.css
var styleCSS string

//go:embed theme.js
var themeJS string

//go:embed page.gohtml
var pageHTML string

//go:embed index.gohtml
var indexHTML string

// Write writes a page of each lesson and index.html into dir, which it makes.
// It returns the path of the index.
func (s *Site) Write(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("write pages: %w", err)
	}
	for i, l := range s.Lessons {
		b, err := s.Page(i)
		if err != nil {
			return "", fmt.Errorf("make the page of %s: %w", l.Name, err)
		}
		if err := notebook.Replace(filepath.Join(dir, l.Name+".html"), b); err != nil {
			return "", err
		}
	}
	b, err := s.Index()
	if err != nil {
		return "", fmt.Errorf("make the index: %w", err)
	}
	index := filepath.Join(dir, "index.html")
	return index, notebook.Replace(index, b)
}

// frame is what both kinds of page have.
type frame struct {
	Course, Title string
	CSS           template.CSS
	JS            template.JS
}

type link struct{ Href, Number, Title string }

type pageCell struct {
	Markdown template.HTML

	ID      string
	Code    template.HTML
	Count   string
	Claims  []string
	Kind    string // "exercise", "check", "guess", "setup" or ""
	Hidden  bool   // the author hides the source (metadata.jupyter.source_hidden)
	Outputs []pageOutput
}

type pageOutput struct {
	HTML    template.HTML
	Verdict bool
}

type page struct {
	frame
	Number, Problem string
	Minutes         string
	Notebook        string
	Contents        []heading
	Cells           []pageCell
	Previous, Next  *link
	Stamp           []field
}

// field is one line of the stamp.
type field struct{ Name, Value string }

// Page makes the page of the lesson at i.
func (s *Site) Page(i int) ([]byte, error) {
	l := s.Lessons[i]
	n := l.Notebook
	p := page{Number: l.Number, Problem: l.Problem, Minutes: minutes(n), Stamp: stamp(n)}
	if s.Notebooks {
		p.Notebook = l.Name + ".ipynb"
	}
	if i > 0 {
		p.Previous = s.link(i - 1)
	}
	if i+1 < len(s.Lessons) {
		p.Next = s.link(i + 1)
	}
	pages := map[string]string{}
	for _, o := range s.Lessons {
		pages[o.Name+".ipynb"] = o.Name + ".html"
	}
	md := newMarkdown(l.Pictures, pages)
	outputs := 0
	for _, c := range n.Cells {
		cell, headings, err := makeCell(md, c, &outputs)
		if err != nil {
			return nil, fmt.Errorf("cell %s: %w", c.ID, err)
		}
		for _, h := range headings {
			if h.Level == 2 {
				p.Contents = append(p.Contents, h)
			}
		}
		if cell != nil {
			p.Cells = append(p.Cells, *cell)
		}
	}
	return s.execute(pageHTML, &p, &p.frame, title(l))
}

func makeCell(md *markdown, c *notebook.Cell, outputs *int) (*pageCell, []heading, error) {
	switch {
	case c.Type == notebook.Markdown:
		h, headings, err := md.render(c.Source, c.Attachments)
		return &pageCell{ID: c.ID, Markdown: template.HTML(h)}, headings, err
	case c.Type != notebook.Code || strings.TrimSpace(c.Source) == "":
		return nil, nil, nil
	}
	cell := &pageCell{ID: c.ID, Code: template.HTML(cellHTML(strings.TrimRight(c.Source, "\n")))}
	if c.ExecutionCount > 0 {
		cell.Count = fmt.Sprint(c.ExecutionCount)
	}
	jupyter, _ := c.Metadata["jupyter"].(map[string]any)
	cell.Hidden, _ = jupyter["source_hidden"].(bool)
	for _, t := range c.Tags() {
		kind, _, _ := strings.Cut(t, ":")
		switch {
		case course.IsClaim(t):
			cell.Claims = append(cell.Claims, t)
		case slices.Contains([]string{"exercise", "check", "guess", "setup"}, kind):
			cell.Kind = kind
		}
	}
	for _, o := range c.Outputs {
		*outputs++
		h, err := md.output(o, *outputs)
		if err != nil {
			return nil, nil, err
		}
		if h != "" {
			cell.Outputs = append(cell.Outputs, pageOutput{template.HTML(h), isVerdict(o)})
		}
	}
	return cell, nil, nil
}

func (s *Site) link(i int) *link {
	l := s.Lessons[i]
	// "4 What is a goroutine?" stands beside the lesson's number already.
	t := strings.TrimPrefix(title(l), strings.TrimLeft(l.Number, "0")+" ")
	if l.Number == "00" {
		t = strings.TrimPrefix(t, "0 ")
	}
	return &link{Href: l.Name + ".html", Number: l.Number, Title: t}
}

func title(l Lesson) string {
	if t := l.Notebook.Title(); t != "" {
		return t
	}
	return l.Name
}

func minutes(n *notebook.Notebook) string {
	s, _ := n.Metadata["spindle"].(map[string]any)
	if m := s["minutes"]; m != nil {
		return fmt.Sprint(m)
	}
	return ""
}

// stampNames words the fields of spindle.captured; others keep their own name.
var stampNames = []field{
	{"date", "date"}, {"cpu", "CPU"}, {"cpus", "logical CPUs"}, {"memory_bytes", "memory"}, {"os", "system"}, {"kernel_release", "OS kernel"}, {"go", "Go"}, {"spindle", "Spindle"},
}

// stamp lists what metadata.spindle.captured says of the machine.
func stamp(n *notebook.Notebook) []field {
	s, _ := n.Metadata["spindle"].(map[string]any)
	captured, _ := s["captured"].(map[string]any)
	rest := maps.Clone(captured)
	var out []field
	for _, f := range stampNames {
		v, ok := rest[f.Name]
		delete(rest, f.Name)
		if !ok {
			continue
		}
		text := fmt.Sprint(v)
		if b, err := strconv.ParseInt(text, 10, 64); err == nil && f.Name == "memory_bytes" {
			text = fmt.Sprintf("%.1f GiB", float64(b)/(1<<30))
		}
		out = append(out, field{f.Value, text})
	}
	for _, name := range slices.Sorted(maps.Keys(rest)) {
		out = append(out, field{name, fmt.Sprint(rest[name])})
	}
	return out
}

type indexRow struct {
	course.Row
	Class   string // of the verdict
	Href    string // of the cell that gave it
	Lesson  string // its number
	First   bool   // first row of its claim
	Section bool   // first row of its section
}

type indexLesson struct {
	link
	Minutes, Problem, Notebook string
	Tally                      []tally
}

type tally struct {
	Class, Verdict string
	N              int
}

type index struct {
	frame
	Lessons []indexLesson
	Rows    []indexRow
	Tally   []tally
	Stamp   []field
}

// Index makes the page that leads to the others, with the verdicts on all
// claims that the lessons' outputs hold.
func (s *Site) Index() ([]byte, error) {
	var x index
	var all []course.Verdict
	for i, l := range s.Lessons {
		// A verdict of a wrong shape is verify's to report; the rest stand.
		verdicts, _ := course.Verdicts(l.Name, l.Notebook)
		all = append(all, verdicts...)
		row := indexLesson{link: *s.link(i), Minutes: minutes(l.Notebook), Problem: l.Problem, Tally: count(verdicts)}
		if s.Notebooks {
			row.Notebook = l.Name + ".ipynb"
		}
		x.Lessons = append(x.Lessons, row)
		if x.Stamp == nil {
			x.Stamp = stamp(l.Notebook)
		}
	}
	x.Tally = count(all)
	claim, section := "", ""
	for _, r := range course.Table(all) {
		row := indexRow{Row: r, First: r.ID != claim, Section: r.Claim.Section != section}
		claim, section = r.ID, r.Claim.Section
		if r.Verdict != nil {
			row.Class = class(r.Verdict.Verdict)
			row.Href = r.Verdict.Lesson + ".html#" + r.Verdict.CellID
			row.Lesson, _, _ = strings.Cut(r.Verdict.Lesson, "-")
		}
		x.Rows = append(x.Rows, row)
	}
	return s.execute(indexHTML, &x, &x.frame, s.Title)
}

func count(verdicts []course.Verdict) []tally {
	var out []tally
	for _, name := range course.Outcomes() {
		n := 0
		for _, v := range verdicts {
			if v.Verdict == name {
				n++
			}
		}
		if n > 0 {
			out = append(out, tally{class(name), name, n})
		}
	}
	return out
}

func class(verdict string) string { return strings.ReplaceAll(verdict, " ", "-") }

func (s *Site) execute(text string, data any, f *frame, title string) ([]byte, error) {
	css, err := stylesheet()
	if err != nil {
		return nil, err
	}
	*f = frame{Course: s.Title, Title: title, CSS: template.CSS(css), JS: template.JS(themeJS)}
	t, err := template.New("page").Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// stylesheet puts the colours of code into the page's own rules: the dark ones
// where the reader's system is dark or the reader chose it, never on paper.
func stylesheet() (string, error) {
	light, err := codeCSS(lightCode, "")
	if err != nil {
		return "", err
	}
	const systemDark, chosenDark = ":root:not([data-theme=light])", ":root[data-theme=dark]"
	system, err := codeCSS(darkCode, systemDark)
	if err != nil {
		return "", err
	}
	chosen, err := codeCSS(darkCode, chosenDark)
	if err != nil {
		return "", err
	}
	// The light style colours kinds of token that the dark one leaves alone:
	// those lose their colour first. :where keeps that rule weaker than the
	// dark ones and stronger than the light.
	const plain = " :where(pre.code *) { color: inherit; background: none }\n"
	return styleCSS + light +
		"@media screen and (prefers-color-scheme: dark) {\n" + systemDark + plain + system + "}\n" +
		"@media screen {\n" + chosenDark + plain + chosen + "}\n", nil
}
