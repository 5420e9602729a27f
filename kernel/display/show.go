package display

import (
	"fmt"
	"image"
	"os"
	"sync"
	"sync/atomic"
)

// connected is the Sink of this process. It is the one piece of package state:
// cells call plain functions and have no handle on the worker.
var connected atomic.Pointer[Sink]

// stdout keeps lines of concurrent callers whole where no Sink is connected.
var stdout sync.Mutex

// Connect sends all further output of this process to s. The worker calls it
// once, before the first cell; nil disconnects.
func Connect(s Sink) {
	if s == nil {
		connected.Store(nil)
		return
	}
	connected.Store(&s)
}

// send hands b over on the calling goroutine, for the Sink finds the cell by it.
func send(b Bundle) {
	if s := connected.Load(); s != nil {
		(*s).Show(b)
		return
	}
	text, _ := b.Data[mimeText].(string)
	stdout.Lock()
	defer stdout.Unlock()
	fmt.Fprintln(os.Stdout, text)
}

// Show displays each value in its richest form: what Of makes of it.
func Show(values ...any) {
	for _, v := range values {
		if b, ok := Of(v); ok {
			send(b)
		}
	}
}

// HTML displays a piece of HTML. Front ends without HTML show its text.
func HTML(html string) { send(htmlBundle(html)) }

// Markdown displays Markdown.
func Markdown(markdown string) { send(markdownBundle(markdown)) }

// Latex displays a formula, as in Latex(`\frac{1}{n}`). Without delimiters
// ($, \(, \[ or \begin) it is set as a displayed formula.
func Latex(latex string) { send(latexBundle(latex)) }

// SVG displays an SVG image given as its XML.
func SVG(svg string) { send(svgBundle(svg)) }

// PNG displays an encoded PNG image.
func PNG(data []byte) { send(binaryBundle(mimePNG, data)) }

// JPEG displays an encoded JPEG image.
func JPEG(data []byte) { send(binaryBundle(mimeJPEG, data)) }

// JSON displays v as a JSON tree. Where v cannot be encoded it displays why.
func JSON(v any) { send(jsonBundle(v)) }

// Text displays plain text, as its own output between the printed ones.
func Text(text string) { send(textBundle(text)) }

// Image displays img, encoded as PNG.
func Image(img image.Image) { send(imageBundle(img)) }

// Table displays rows under headers. See Grid for captions and units.
func Table(headers []string, rows [][]any) {
	send(Grid{Headers: headers, Rows: rows}.Bundle())
}

// Plot displays a chart as SVG.
func Plot(c Chart) { send(c.Bundle()) }

// ShowAs displays v under an id of the caller's choice, which Update, also
// from a later cell, then replaces.
func ShowAs(id string, v any) {
	b := must(Of(v))
	b.ID = id
	send(b)
}

// Update replaces, wherever it is shown, the output that was displayed under
// id by ShowAs or by a Handle.
func Update(id string, v any) {
	b := must(Of(v))
	b.ID, b.Update = id, true
	send(b)
}

// ClearOutput removes the cell's output so far; with wait, when the next
// output arrives, which avoids flicker.
func ClearOutput(wait bool) {
	if s := connected.Load(); s != nil {
		(*s).ClearOutput(wait)
	}
}

// must keeps an id's place on the page where a value has nothing to show.
func must(b Bundle, ok bool) Bundle {
	if !ok {
		return textBundle("")
	}
	return b
}
