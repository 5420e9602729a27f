package display

import (
	"crypto/rand"
	"image"
	"sync"
)

// Handle is one place on the page. Its first call shows something there, every
// later one replaces it:
//
//	h := display.NewHandle()
//	h.Markdown("*working*")
//	h.Plot(chart)
//
// It is safe for concurrent use.
type Handle struct {
	id string

	mu    sync.Mutex // guards shown, and keeps the first showing before any update
	shown bool
}

// NewHandle makes a Handle with an id of its own. Nothing is shown yet.
func NewHandle() *Handle { return &Handle{id: "spindle-" + rand.Text()} }

// ID is the display_id, for Update.
func (h *Handle) ID() string { return h.id }

// Show puts v there, in its richest form.
func (h *Handle) Show(v any) { h.send(must(Of(v))) }

// HTML puts a piece of HTML there.
func (h *Handle) HTML(html string) { h.send(htmlBundle(html)) }

// Markdown puts Markdown there.
func (h *Handle) Markdown(markdown string) { h.send(markdownBundle(markdown)) }

// Latex puts a formula there.
func (h *Handle) Latex(latex string) { h.send(latexBundle(latex)) }

// SVG puts an SVG image there.
func (h *Handle) SVG(svg string) { h.send(svgBundle(svg)) }

// PNG puts an encoded PNG image there.
func (h *Handle) PNG(data []byte) { h.send(binaryBundle(mimePNG, data)) }

// JPEG puts an encoded JPEG image there.
func (h *Handle) JPEG(data []byte) { h.send(binaryBundle(mimeJPEG, data)) }

// JSON puts v there as a JSON tree.
func (h *Handle) JSON(v any) { h.send(jsonBundle(v)) }

// Text puts plain text there.
func (h *Handle) Text(text string) { h.send(textBundle(text)) }

// Image puts img there.
func (h *Handle) Image(img image.Image) { h.send(imageBundle(img)) }

// Table puts a table there.
func (h *Handle) Table(headers []string, rows [][]any) {
	h.send(Grid{Headers: headers, Rows: rows}.Bundle())
}

// Plot puts a chart there.
func (h *Handle) Plot(c Chart) { h.send(c.Bundle()) }

func (h *Handle) send(b Bundle) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b.ID, b.Update = h.id, h.shown
	h.shown = true
	send(b)
}
