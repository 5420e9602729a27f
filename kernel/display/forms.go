package display

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"image"
	_ "image/jpeg" // so that sizes of JPEG images can be read
	"image/png"
	"io"
	"regexp"
	"strings"
)

// MIME types of the Jupyter messaging protocol that this package writes.
const (
	mimeText     = "text/plain"
	mimeHTML     = "text/html"
	mimeMarkdown = "text/markdown"
	mimeLatex    = "text/latex"
	mimeSVG      = "image/svg+xml"
	mimePNG      = "image/png"
	mimeJPEG     = "image/jpeg"
	mimeJSON     = "application/json"
)

func textBundle(text string) Bundle {
	return Bundle{Data: map[string]any{mimeText: text}}
}

func htmlBundle(source string) Bundle {
	text := htmlText(source)
	if text == "" {
		text = "(HTML without text)"
	}
	return Bundle{Data: map[string]any{mimeHTML: source, mimeText: text}}
}

func markdownBundle(source string) Bundle {
	return Bundle{Data: map[string]any{mimeMarkdown: source, mimeText: source}}
}

func latexBundle(source string) Bundle {
	set := source
	if !strings.ContainsAny(source, "$") && !strings.Contains(source, `\(`) &&
		!strings.Contains(source, `\[`) && !strings.HasPrefix(strings.TrimSpace(source), `\begin`) {
		set = "$$" + source + "$$"
	}
	return Bundle{Data: map[string]any{mimeLatex: set, mimeText: source}}
}

func svgBundle(source string) Bundle {
	// Front ends show SVG as an <img>, which needs XML without leading blanks
	// and with its namespace.
	source = strings.TrimSpace(source)
	if i := strings.Index(source, "<svg"); i >= 0 {
		if end := strings.IndexByte(source[i:], '>'); end > 0 && !strings.Contains(source[i:i+end], "xmlns=") {
			source = source[:i+4] + ` xmlns="http://www.w3.org/2000/svg"` + source[i+4:]
		}
	}
	return Bundle{Data: map[string]any{mimeSVG: source, mimeText: svgText(source)}}
}

// pictureHTML is an SVG image for a page. Front ends show it where they take
// SVG out of a page (GitHub) or want a notebook to be trusted first
// (JupyterLab), as they do with an output of type image/svg+xml.
func pictureHTML(svg, alt string) string {
	return `<img src="data:image/svg+xml;base64,` + base64.StdEncoding.EncodeToString([]byte(svg)) +
		`" alt="` + html.EscapeString(alt) + `" style="max-width:100%">`
}

func binaryBundle(mime string, data []byte) Bundle {
	name := strings.ToUpper(strings.TrimPrefix(mime, "image/"))
	b := Bundle{Data: map[string]any{mime: base64.StdEncoding.EncodeToString(data)}}
	cfg, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || "image/"+format != mime {
		// A broken picture says nothing; the reason does.
		return textBundle(fmt.Sprintf("not a %s image: %d bytes that do not decode as one", name, len(data)))
	}
	b.Data[mimeText] = fmt.Sprintf("%s image, %d×%d, %s", name, cfg.Width, cfg.Height, byteSize(len(data)))
	b.Metadata = map[string]any{mime: map[string]any{"width": cfg.Width, "height": cfg.Height}}
	return b
}

func imageBundle(img image.Image) Bundle {
	if isNil(img) {
		return textBundle("nil image")
	}
	if img.Bounds().Empty() {
		return textBundle("empty image")
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		return textBundle("image cannot be shown: " + err.Error())
	}
	return binaryBundle(mimePNG, buf.Bytes())
}

func jsonBundle(v any) Bundle {
	compact, err := json.Marshal(v)
	if err != nil {
		return textBundle(err.Error())
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, compact, "", "  "); err != nil {
		return textBundle(err.Error())
	}
	return Bundle{Data: map[string]any{
		mimeJSON: json.RawMessage(compact), // verbatim: large integers keep their digits
		mimeText: indented.String(),
	}}
}

func byteSize(n int) string {
	switch {
	case n < 1024:
		return fmt.Sprintf("%d B", n)
	case n < 1024*1024:
		return fmt.Sprintf("%.1f KiB", float64(n)/1024)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1024*1024))
}

var (
	htmlUnread = regexp.MustCompile(`(?is)<(script|style|head|template)\b.*?</(script|style|head|template)\s*>|<!--.*?-->`)
	htmlBreak  = regexp.MustCompile(`(?i)<(br|/p|/div|/tr|/li|/h[1-6]|/pre|/table|/caption|hr|/summary)\b[^>]*>`)
	htmlCell   = regexp.MustCompile(`(?i)</(td|th)\s*>`)
	htmlTag    = regexp.MustCompile(`<[/!a-zA-Z][^>]*>`)
	blankRuns  = regexp.MustCompile(`[ \t\r\f]+`)
	lineRuns   = regexp.MustCompile(`\n\s*\n\s*`)
)

// htmlText is the text that a reader of source would see, roughly laid out.
func htmlText(source string) string {
	s := htmlUnread.ReplaceAllString(source, "")
	s = htmlBreak.ReplaceAllString(s, "\n")
	s = htmlCell.ReplaceAllString(s, "  ")
	s = htmlTag.ReplaceAllString(s, "")
	s = html.UnescapeString(s)
	s = blankRuns.ReplaceAllString(s, " ")
	s = strings.ReplaceAll(strings.ReplaceAll(s, " \n", "\n"), "\n ", "\n")
	return strings.TrimSpace(lineRuns.ReplaceAllString(s, "\n\n"))
}

// svgText describes an SVG: its title and description, else its size.
func svgText(source string) string {
	dec := xml.NewDecoder(strings.NewReader(source))
	var title, desc, size, open string
	for {
		tok, err := dec.Token()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return "SVG image that is not well formed: " + err.Error()
			}
			break
		}
		switch t := tok.(type) {
		case xml.StartElement:
			open = t.Name.Local
			if open == "svg" && size == "" {
				size = svgSize(t)
			}
		case xml.CharData:
			switch {
			case open == "title" && title == "":
				title = strings.TrimSpace(string(t))
			case open == "desc" && desc == "":
				desc = strings.TrimSpace(string(t))
			}
		case xml.EndElement:
			open = ""
		}
	}
	switch {
	case title != "" && desc != "":
		return title + "\n" + desc
	case title+desc != "":
		return title + desc
	}
	return "SVG image" + size
}

func svgSize(t xml.StartElement) string {
	var w, h, box string
	for _, a := range t.Attr {
		switch a.Name.Local {
		case "width":
			w = a.Value
		case "height":
			h = a.Value
		case "viewBox":
			box = a.Value
		}
	}
	if w != "" && h != "" {
		return ", " + w + "×" + h
	}
	if f := strings.Fields(box); len(f) == 4 {
		return ", " + f[2] + "×" + f[3]
	}
	return ""
}
