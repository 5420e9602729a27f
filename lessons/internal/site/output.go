package site

import (
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"strings"

	"spindle/lessons/internal/course"
	"spindle/lessons/internal/notebook"
)

// rich lists the MIME types that a page shows, the richest first: the order
// of nbconvert's HTML exporter, which is JupyterLab's.
var rich = []string{
	"text/html", "text/markdown", "image/svg+xml", "text/latex",
	"image/png", "image/jpeg", "image/gif", "image/webp", "application/json", "text/plain",
}

// output renders one output of a cell; n is its number on the page, which
// keeps the ids of inline SVGs apart.
func (m *markdown) output(o *notebook.Output, n int) (string, error) {
	switch o.Type {
	case notebook.Stream:
		return fmt.Sprintf(`<pre class="stream %s">%s</pre>`, html.EscapeString(o.Name), ansiHTML(o.Text)), nil
	case notebook.Error:
		text := strings.Join(o.Traceback, "\n")
		if text == "" {
			text = o.EName + ": " + o.EValue
		}
		return `<pre class="error">` + ansiHTML(text) + `</pre>`, nil
	}
	for _, mime := range rich {
		v, ok := o.Data[mime]
		if !ok {
			continue
		}
		text, isText := v.(string)
		switch {
		case mime == "application/json":
			b, err := json.MarshalIndent(v, "", "  ")
			if err != nil {
				return "", fmt.Errorf("output of type %s: %w", mime, err)
			}
			return `<pre class="json">` + html.EscapeString(string(b)) + `</pre>`, nil
		case !isText:
			return "", fmt.Errorf("output of type %s isn't text but a %T", mime, v)
		case mime == "text/html":
			return `<div class="html">` + withoutFetches(text) + `</div>`, nil
		case mime == "text/markdown":
			h, _, err := m.render(text, nil)
			return `<div class="markdown">` + h + `</div>`, err
		case mime == "image/svg+xml":
			return `<figure class="svg">` + inlineSVG(text, n) + `</figure>`, nil
		case strings.HasPrefix(mime, "image/"):
			return fmt.Sprintf(`<figure><img src="data:%s;base64,%s" alt="%s"></figure>`, mime,
				strings.Join(strings.Fields(text), ""), html.EscapeString(o.MIME("text/plain"))), nil
		case mime == "text/plain":
			return `<pre class="text">` + ansiHTML(text) + `</pre>`, nil
		default: // LaTeX: shown as written, for its typesetter would be fetched
			return `<pre class="text">` + html.EscapeString(text) + `</pre>`, nil
		}
	}
	return "", nil
}

// isVerdict tells that the output carries a verdict on a claim.
func isVerdict(o *notebook.Output) bool {
	_, ok := o.Data[course.VerdictMIME]
	return ok
}

var (
	svgTag = regexp.MustCompile(`(?is)<svg\b.*</svg\s*>`)
	svgID  = regexp.MustCompile(`\bid\s*=\s*(?:"([^"]+)"|'([^']+)')`)
)

// inlineSVG takes the svg element out of its document and gives its ids a
// prefix: two plots in one page may both have a "clip1".
func inlineSVG(doc string, n int) string {
	svg := svgTag.FindString(doc)
	if svg == "" {
		return `<pre class="text">` + html.EscapeString(doc) + `</pre>`
	}
	ids := map[string]bool{}
	for _, m := range svgID.FindAllStringSubmatch(svg, -1) {
		ids[m[1]+m[2]] = true
	}
	if len(ids) == 0 {
		return svg
	}
	prefix := fmt.Sprintf("o%d-", n)
	rename := func(pattern string) {
		re := regexp.MustCompile(pattern)
		svg = re.ReplaceAllStringFunc(svg, func(s string) string {
			m := re.FindStringSubmatch(s)
			if !ids[m[2]] {
				return s
			}
			return m[1] + prefix + m[2] + m[3]
		})
	}
	rename(`(\bid\s*=\s*["'])([^"']+)(["'])`)
	rename(`(url\(\s*["']?#)([^"')]+)(["']?\s*\))`)
	rename(`(href\s*=\s*["']#)([^"']+)(["'])`)
	return svg
}

// fetching finds the elements that make a browser fetch or leave by being
// there. The page's policy forbids all of them but the refresh; what an author
// wrote is kept to be seen, as text.
var fetching = regexp.MustCompile(`(?i)<(meta|base|link)\b[^>]*>`)

func withoutFetches(h string) string {
	return fetching.ReplaceAllStringFunc(h, html.EscapeString)
}
