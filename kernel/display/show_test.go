package display_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"strings"
	"sync"
	"testing"

	"spindle/kernel/display"
)

// page records what would reach the front end.
type page struct {
	mu      sync.Mutex
	shown   []display.Bundle
	cleared []bool
}

func (p *page) Show(b display.Bundle) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown = append(p.shown, b)
}

func (p *page) ClearOutput(wait bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cleared = append(p.cleared, wait)
}

func connect(t *testing.T) *page {
	t.Helper()
	p := &page{}
	display.Connect(p)
	t.Cleanup(func() { display.Connect(nil) })
	return p
}

func text(b display.Bundle) string {
	s, _ := b.Data["text/plain"].(string)
	return s
}

func picture() image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 3, 2))
	img.Set(1, 1, color.RGBA{R: 200, A: 255})
	return img
}

func TestEveryFormHasItsTypeAndText(t *testing.T) {
	var jpg, pngData bytes.Buffer
	if err := jpeg.Encode(&jpg, picture(), nil); err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&pngData, picture()); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name       string
		show       func()
		mime, want string // content of mime, "" where only its presence counts
		text       string
	}{
		{"html", func() { display.HTML("<h1>A &amp; B</h1><script>x()</script><p>c</p>") }, "text/html", "", "A & B\nc"},
		{"html without text", func() { display.HTML("<hr>") }, "text/html", "<hr>", "(HTML without text)"},
		{"markdown", func() { display.Markdown("**x**") }, "text/markdown", "**x**", "**x**"},
		{"formula", func() { display.Latex(`\frac{1}{n}`) }, "text/latex", `$$\frac{1}{n}$$`, `\frac{1}{n}`},
		{"delimited formula", func() { display.Latex(`$x$`) }, "text/latex", `$x$`, `$x$`},
		{
			"svg", func() { display.SVG(`<svg width="10" height="20"><title>a dot</title></svg>`) }, "image/svg+xml",
			`<svg xmlns="http://www.w3.org/2000/svg" width="10" height="20"><title>a dot</title></svg>`, "a dot",
		},
		{"untitled svg", func() { display.SVG(`<svg xmlns="http://www.w3.org/2000/svg" width="10" height="20"/>`) }, "image/svg+xml", "", "SVG image, 10×20"},
		{"png", func() { display.PNG(pngData.Bytes()) }, "image/png", base64.StdEncoding.EncodeToString(pngData.Bytes()), "PNG image, 3×2"},
		{"jpeg", func() { display.JPEG(jpg.Bytes()) }, "image/jpeg", base64.StdEncoding.EncodeToString(jpg.Bytes()), "JPEG image, 3×2"},
		{"image", func() { display.Image(picture()) }, "image/png", "", "PNG image, 3×2"},
		{"text", func() { display.Text("plain") }, "text/plain", "plain", "plain"},
		{"table", func() { display.Table([]string{"a"}, [][]any{{1}}) }, "text/html", "", "a\n-\n1"},
		{"plot", func() {
			display.Plot(display.Chart{Title: "T", Series: []display.Series{{Name: "s", Y: []float64{1, 2}}}})
		}, "text/html", "", "T\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := connect(t)
			test.show()
			if len(p.shown) != 1 {
				t.Fatalf("%d outputs, want 1", len(p.shown))
			}
			b := p.shown[0]
			got, ok := b.Data[test.mime].(string)
			if !ok || got == "" {
				t.Fatalf("no %s in %v", test.mime, b.Data)
			}
			if test.want != "" && got != test.want {
				t.Errorf("%s is %q, want %q", test.mime, got, test.want)
			}
			if !strings.HasPrefix(text(b), test.text) {
				t.Errorf("text/plain is %q, want %q", text(b), test.text)
			}
			if b.ID != "" || b.Update {
				t.Errorf("unnamed output carries id %q, update %v", b.ID, b.Update)
			}
		})
	}
}

func TestWhatCannotBeShownSaysWhy(t *testing.T) {
	p := connect(t)
	display.PNG([]byte("not a picture"))
	display.JSON(func() {})
	display.Image(nil)
	display.Image(image.NewRGBA(image.Rect(0, 0, 0, 5)))
	var none *image.RGBA
	display.Image(none)
	display.Plot(display.Chart{Series: []display.Series{{Name: "s", X: []float64{1}, Y: []float64{1, 2}}}})
	display.SVG("<svg><g></svg>")
	want := []string{
		"not a PNG image: 13 bytes", "json: unsupported type: func()", "nil image", "empty image", "nil image",
		"chart cannot be drawn: s has 1 X and 2 Y", "SVG image that is not well formed",
	}
	if len(p.shown) != len(want) {
		t.Fatalf("%d outputs, want %d", len(p.shown), len(want))
	}
	for i, w := range want {
		if got := text(p.shown[i]); !strings.HasPrefix(got, w) {
			t.Errorf("output %d says %q, want %q", i, got, w)
		}
	}
}

func TestJSONKeepsLargeIntegers(t *testing.T) {
	p := connect(t)
	display.JSON(map[string]any{"n": int64(9007199254740993), "s": "<"})
	wire, err := json.Marshal(p.shown[0].Data["application/json"])
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(wire), "9007199254740993") {
		t.Errorf("sent as %s", wire)
	}
}

func TestHandleShowsOnceThenUpdates(t *testing.T) {
	p := connect(t)
	h := display.NewHandle()
	h.Text("one")
	h.Markdown("two")
	h.Table([]string{"three"}, nil)
	display.Update(h.ID(), 4)
	for i, b := range p.shown {
		if b.ID != h.ID() || b.Update != (i > 0) {
			t.Errorf("output %d has id %q, update %v", i, b.ID, b.Update)
		}
	}
	if got := text(p.shown[3]); got != "4" {
		t.Errorf("Update sent %q", got)
	}
	if other := display.NewHandle(); other.ID() == h.ID() {
		t.Errorf("two handles share the id %q", h.ID())
	}
}

func TestHandleInManyGoroutinesShowsExactlyOnce(t *testing.T) {
	p := connect(t)
	h := display.NewHandle()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { h.Text("x") })
	}
	wg.Wait()
	for i, b := range p.shown {
		if b.Update != (i > 0) {
			t.Fatalf("output %d of %d: update %v", i, len(p.shown), b.Update)
		}
	}
}

func TestShowAsNamesItsPlace(t *testing.T) {
	p := connect(t)
	display.ShowAs("here", "a")
	display.Update("here", "b")
	if a, b := p.shown[0], p.shown[1]; a.ID != "here" || a.Update || b.ID != "here" || !b.Update {
		t.Errorf("got %+v, %+v", a, b)
	}
	display.ClearOutput(true)
	display.ClearOutput(false)
	if len(p.cleared) != 2 || !p.cleared[0] || p.cleared[1] {
		t.Errorf("cleared %v", p.cleared)
	}
}

func TestWithoutASinkTextIsPrinted(t *testing.T) {
	display.Connect(nil)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stdout
	os.Stdout = w
	display.HTML("<b>bold</b>")
	display.ClearOutput(true)
	os.Stdout = old
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := out.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	if out.String() != "bold\n" {
		t.Errorf("printed %q", out.String())
	}
}
