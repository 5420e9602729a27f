// Package oracle holds the corpus of Go programs that judges the interpreter:
// each is run by the Go toolchain and by package interp, and what both did
// must agree. It is imported by tests only.
package oracle

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/tools/txtar"
)

// Program is one Go program of the corpus, a txtar file with the section
// main.go and the golden sections that the toolchain wrote (see Outcome).
type Program struct {
	Name      string // path below the corpus without ".txtar": "closures/counter"
	Source    string // a whole file, package clause included
	Unordered bool   // the first line says "// unordered": lines may come in any order
	Want      Outcome
	Judged    bool // Want is there
}

// Outcome is what running a program came to.
type Outcome struct {
	Compile []string // "line:col: message" for each error; then nothing else is set
	Stdout  string
	Stderr  string // without what Panic holds
	// Panic is the runtime's last words, "panic: …" or "fatal error: …", up
	// to the first goroutine's trace; addresses are replaced by 0xADDR.
	Panic string
	Exit  int // exit status
}

// Load reads every program below fsys, sorted by name.
func Load(fsys fs.FS) ([]Program, error) {
	var programs []Program
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(p) != ".txtar" {
			return err
		}
		data, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		prog, err := parseProgram(strings.TrimSuffix(p, ".txtar"), data)
		if err != nil {
			return fmt.Errorf("reading %s: %w", p, err)
		}
		programs = append(programs, prog)
		return nil
	})
	sort.Slice(programs, func(i, j int) bool { return programs[i].Name < programs[j].Name })
	return programs, err
}

func parseProgram(name string, data []byte) (Program, error) {
	p := Program{Name: name}
	for _, f := range txtar.Parse(data).Files {
		text := string(f.Data)
		switch f.Name {
		case "main.go":
			p.Source = text
			p.Unordered = strings.HasPrefix(text, "// unordered")
		case "compile":
			p.Want.Compile = lines(text)
			p.Judged = true
		case "stdout":
			p.Want.Stdout = text
			p.Judged = true
		case unended: // txtar ends every section with a newline
			p.Want.Stdout = strings.TrimSuffix(text, "\n")
			p.Judged = true
		case "stderr":
			p.Want.Stderr = text
		case "panic":
			p.Want.Panic = strings.TrimSuffix(text, "\n")
		case "exit":
			n, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil {
				return p, err
			}
			p.Want.Exit = n
		default:
			return p, fmt.Errorf("unknown section %q", f.Name)
		}
	}
	if p.Source == "" {
		return p, fmt.Errorf("no main.go")
	}
	return p, nil
}

// unended names standard output that doesn't end with a newline.
const unended = "stdout, no newline at its end"

// Format is the program's file, golden sections included.
func (p Program) Format() []byte {
	a := &txtar.Archive{Files: []txtar.File{{Name: "main.go", Data: []byte(p.Source)}}}
	add := func(name, text string) {
		a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(text)})
	}
	if !p.Judged {
		return txtar.Format(a)
	}
	if len(p.Want.Compile) > 0 {
		add("compile", strings.Join(p.Want.Compile, "\n")+"\n")
		return txtar.Format(a)
	}
	if out := p.Want.Stdout; out != "" && !strings.HasSuffix(out, "\n") {
		add(unended, out+"\n")
	} else {
		add("stdout", out)
	}
	if p.Want.Stderr != "" {
		add("stderr", p.Want.Stderr)
	}
	if p.Want.Panic != "" {
		add("panic", p.Want.Panic+"\n")
	}
	if p.Want.Exit != 0 {
		add("exit", strconv.Itoa(p.Want.Exit)+"\n")
	}
	return txtar.Format(a)
}

var (
	lastWords = regexp.MustCompile(`(?m)^(panic: |fatal error: |runtime: goroutine stack exceeds)`)
	trace     = regexp.MustCompile(`(?m)^(\[signal |goroutine \d+|runtime stack:|created by )`)
	address   = regexp.MustCompile(`\b0x[0-9a-f]+\b`)
)

// SplitStderr parts the runtime's last words from what the program itself
// wrote to its standard error.
func SplitStderr(text string) (stderr, panicText string) {
	at := lastWords.FindStringIndex(text)
	if at == nil {
		return text, ""
	}
	words := text[at[0]:]
	if end := trace.FindStringIndex(words); end != nil {
		words = words[:end[0]]
	}
	return text[:at[0]], address.ReplaceAllString(strings.TrimSpace(words), "0xADDR")
}

// Diff says how got differs from want, or "" where they agree.
func Diff(want, got Outcome, unordered bool) string {
	var b strings.Builder
	differ := func(what, w, g string) {
		if w != g {
			fmt.Fprintf(&b, "%s: want %s\n%*s got %s\n", what, clip(w), len(what)+1, "", clip(g))
		}
	}
	differ("compile", compileText(want.Compile), compileText(got.Compile))
	w, g := want.Stdout, got.Stdout
	if unordered {
		w, g = sortLines(w), sortLines(g)
	}
	differ("stdout", w, g)
	differ("stderr", want.Stderr, got.Stderr)
	differ("panic", want.Panic, got.Panic)
	differ("exit", strconv.Itoa(want.Exit), strconv.Itoa(got.Exit))
	return b.String()
}

// compileText is what compile errors are compared by: the line and the words.
// The interpreter checks with go/parser and go/types, as go vet and gopls do;
// where these put a fault a few columns away from the compiler, or word it
// otherwise, docs/differences.md says so and words has the pair.
func compileText(errs []string) string {
	var out []string
	for i, e := range errs {
		line, rest, _ := strings.Cut(e, ":")
		_, msg, _ := strings.Cut(rest, ":")
		msg = strings.TrimSpace(msg)
		if syntax(msg) {
			if i == 0 {
				out = append(out, "a syntax error") // the rest follows from the first
			}
			continue
		}
		for _, w := range words {
			msg = w.re.ReplaceAllString(msg, w.compiler)
		}
		out = append(out, line+": "+msg)
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

// syntax says whether a message is the compiler's or go/parser's of a syntax error.
func syntax(msg string) bool {
	return strings.HasPrefix(msg, "syntax error: ") || parserWords.MatchString(msg)
}

var parserWords = regexp.MustCompile(`^(expected |missing '|expression in (go|defer) must be function call)`)

// words are go/types' wordings with the compiler's.
var words = []struct {
	re       *regexp.Regexp
	compiler string
}{
	{regexp.MustCompile(`^break not in for, switch, or select statement$`), "break is not in a loop, switch, or select"},
	{regexp.MustCompile(`^invalid continue label (\w+)$`), "continue label not defined: $1"},
	{regexp.MustCompile(`^label (\w+) declared and not used$`), "label $1 defined and not used"},
	{regexp.MustCompile(`^label (\w+) not declared$`), "label $1 not defined"},
	{regexp.MustCompile(`\((func\(.*?\).*?) literal\)`), "$1 {…}"},
	{regexp.MustCompile(`^could not import \S+ \((.*)\)$`), "$1"},
	{regexp.MustCompile(`/ main\.go:\d+:\d+: `), "/ "},
}

// clip quotes s, shortened to what a test log can bear.
func clip(s string) string {
	const most = 1500
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strconv.Quote(s)
}

func lines(text string) []string {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func sortLines(text string) string {
	l := strings.Split(text, "\n")
	sort.Strings(l)
	return strings.Join(l, "\n")
}
