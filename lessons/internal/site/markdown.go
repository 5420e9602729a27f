package site

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"mime"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	ghtml "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"spindle/lessons/internal/notebook"
)

// markdown renders the Markdown of one page: GitHub's flavour, code coloured,
// images inlined. Raw HTML is the author's own and kept.
type markdown struct {
	engine goldmark.Markdown
	ids    parser.IDs // of headings, unique in the page
	dir    string     // where relative images are, "" for nowhere
	lesson map[string]string
}

// newMarkdown makes the renderer of one page. lessons maps names of notebooks
// to the pages that stand for them in links.
func newMarkdown(dir string, lessons map[string]string) *markdown {
	m := &markdown{ids: parser.NewContext().IDs(), dir: dir, lesson: lessons}
	m.engine = goldmark.New(
		goldmark.WithExtensions(extension.GFM),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(
			ghtml.WithUnsafe(),
			renderer.WithNodeRenderers(util.Prioritized(fenced{}, 100)),
		),
	)
	return m
}

// heading is an entry of the page's contents.
type heading struct {
	Level    int
	ID, Text string
}

// render returns the HTML and the headings of source. attachments are the
// cell's, by name.
func (m *markdown) render(source string, attachments map[string]any) (string, []heading, error) {
	src := []byte(source)
	doc := m.engine.Parser().Parse(text.NewReader(src), parser.WithContext(parser.NewContext(parser.WithIDs(m.ids))))
	var headings []heading
	var images []*ast.Image
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			id, _ := n.AttributeString("id")
			b, _ := id.([]byte)
			headings = append(headings, heading{n.Level, string(b), plainText(n, src)})
		case *ast.Image:
			images = append(images, n)
		case *ast.Link:
			if page, ok := m.lesson[strings.TrimPrefix(string(n.Destination), "./")]; ok {
				n.Destination = []byte(page)
			}
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return "", nil, fmt.Errorf("walk Markdown: %w", err)
	}
	for _, i := range images {
		m.image(i, src, attachments)
	}
	var b bytes.Buffer
	if err := m.engine.Renderer().Render(&b, src, doc); err != nil {
		return "", nil, fmt.Errorf("render Markdown: %w", err)
	}
	return b.String(), headings, nil
}

// image puts the picture itself into the page. One that is elsewhere becomes
// a link: a page fetches nothing by being read.
func (m *markdown) image(n *ast.Image, src []byte, attachments map[string]any) {
	dest := string(n.Destination)
	if name, ok := strings.CutPrefix(dest, "attachment:"); ok {
		if u := attachment(attachments, name); u != "" {
			n.Destination = []byte(u)
			return
		}
	}
	if strings.HasPrefix(dest, "data:") {
		return
	}
	if u := m.local(dest); u != "" {
		n.Destination = []byte(u)
		return
	}
	link := ast.NewLink()
	link.Destination = n.Destination
	link.AppendChild(link, ast.NewString([]byte("picture: "+plainText(n, src))))
	n.Parent().ReplaceChild(n.Parent(), n, link)
}

func attachment(attachments map[string]any, name string) string {
	if unescaped, err := url.PathUnescape(name); err == nil {
		name = unescaped
	}
	bundle, _ := attachments[name].(map[string]any)
	o := notebook.Output{Data: bundle}
	for _, t := range []string{"image/png", "image/jpeg", "image/gif", "image/webp"} {
		if s := o.MIME(t); s != "" {
			return "data:" + t + ";base64," + strings.Join(strings.Fields(s), "")
		}
	}
	if s := o.MIME("image/svg+xml"); s != "" {
		return dataURI("image/svg+xml", []byte(s))
	}
	return ""
}

// local reads a picture under the lesson's folder, and from nowhere else.
func (m *markdown) local(dest string) string {
	u, err := url.Parse(dest)
	if m.dir == "" || err != nil || u.Scheme != "" || u.Host != "" {
		return ""
	}
	root, err := os.OpenRoot(m.dir)
	if err != nil {
		return ""
	}
	defer root.Close()
	b, err := root.ReadFile(filepath.FromSlash(u.Path))
	if err != nil {
		return ""
	}
	t := mime.TypeByExtension(filepath.Ext(u.Path))
	if !strings.HasPrefix(t, "image/") {
		return ""
	}
	return dataURI(t, b)
}

func dataURI(mime string, b []byte) string {
	return "data:" + mime + ";base64," + base64.StdEncoding.EncodeToString(b)
}

func plainText(n ast.Node, src []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			switch n := n.(type) {
			case *ast.Text:
				b.Write(n.Segment.Value(src))
			case *ast.String:
				b.Write(n.Value)
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// fenced renders code blocks in colour.
type fenced struct{}

func (fenced) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindFencedCodeBlock, func(w util.BufWriter, src []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		block := n.(*ast.FencedCodeBlock)
		var code strings.Builder
		for i := range block.Lines().Len() {
			line := block.Lines().At(i)
			code.Write(line.Value(src))
		}
		language := string(block.Language(src))
		fmt.Fprintf(w, `<pre class="code"><code data-language="%s">%s</code></pre>`, html.EscapeString(language), highlight(code.String(), language))
		_, err := w.WriteString("\n")
		return ast.WalkSkipChildren, err
	})
}
