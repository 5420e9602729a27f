package site

import (
	"html"
	"strings"

	"github.com/alecthomas/chroma/v2"
	chromahtml "github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/alecthomas/chroma/v2/styles"
)

// The two themes' colours of code. Names are chroma's.
const (
	lightCode = "github"
	darkCode  = "github-dark"
)

func formatter() *chromahtml.Formatter {
	return chromahtml.New(chromahtml.WithClasses(true), chromahtml.PreventSurroundingPre(true))
}

// highlight colours source; in a language that chroma doesn't know, or where
// it fails, the source is shown plain.
func highlight(source, language string) string {
	lexer := lexers.Get(language)
	if lexer == nil {
		return html.EscapeString(source)
	}
	tokens, err := chroma.Coalesce(lexer).Tokenise(nil, source)
	if err != nil {
		return html.EscapeString(source)
	}
	var b strings.Builder
	if err := formatter().Format(&b, styles.Get(lightCode), tokens); err != nil {
		return html.EscapeString(source)
	}
	return b.String()
}

// cellHTML colours a cell: its magics (%%go and the like) aren't Go.
func cellHTML(source string) string {
	var magics strings.Builder
	for strings.HasPrefix(strings.TrimLeft(source, " \t"), "%") {
		line, rest, _ := strings.Cut(source, "\n")
		magics.WriteString(`<span class="magic">` + html.EscapeString(line) + "</span>\n")
		source = rest
	}
	return magics.String() + highlight(source, "go")
}

// codeCSS is one theme's rules, each selector under scope.
func codeCSS(style, scope string) (string, error) {
	var b strings.Builder
	if err := formatter().WriteCSS(&b, styles.Get(style)); err != nil {
		return "", err
	}
	var out strings.Builder
	for line := range strings.Lines(b.String()) {
		// chroma writes one rule a line: /* Name */ .chroma .kd { … }
		_, rule, ok := strings.Cut(line, "*/")
		rule = strings.TrimSpace(rule)
		class, ok2 := strings.CutPrefix(rule, ".chroma .")
		if !ok || !ok2 || strings.HasPrefix(class, "err ") {
			continue // the page has its own background, and half a cell is no error
		}
		out.WriteString(scope + " ." + class + "\n")
	}
	return out.String(), nil
}
