package display_test

import (
	"bytes"
	"image"
	"image/png"
	"strings"
	"testing"
	"time"

	"spindle/kernel/display"
)

type withHTML struct{ N int }

func (w withHTML) HTML() string { return "<b>bold</b>" }

type withAll struct{}

func (*withAll) HTML() string     { return "<i>h</i>" }
func (*withAll) Markdown() string { return "*m*" }
func (*withAll) Latex() string    { return "x" }
func (*withAll) SVG() string      { return `<svg width="1" height="1"/>` }
func (*withAll) PNG() []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		panic(err)
	}
	return b.Bytes()
}
func (*withAll) String() string { return "its own words" }

func TestOf(t *testing.T) {
	var nilAll *withAll
	var nilErr error
	tests := []struct {
		name  string
		v     any
		text  string
		mimes string // what there is beside text/plain, blank separated
		html  string // substring
	}{
		{"int", 42, "42", "text/html", ">int</code>"},
		{"string", "a <b>", "a <b>", "text/html", "a &lt;b&gt;</pre>"},
		{"struct with names", struct{ A, B int }{1, 2}, "{A:1 B:2}", "text/html", "struct { A int; B int }"},
		{"pointer to struct", &struct{ A int }{1}, "&{A:1}", "text/html", ""},
		{"stringer", 1500 * time.Millisecond, "1.5s", "text/html", ">time.Duration</code>"},
		{"nil", nil, "nil", "", ""},
		{"nil error", nilErr, "nil", "", ""},
		{"nil slice", []int(nil), "nil", "text/html", ">[]int</code>"},
		{"nil pointer with methods", nilAll, "nil", "text/html", ">*display_test.withAll</code>"},
		{"HTML method", withHTML{3}, "bold", "text/html", "<b>bold</b>"},
		{"every method", &withAll{}, "its own words", "image/png image/svg+xml text/html text/latex text/markdown", "<i>h</i>"},
		{"image", image.NewGray(image.Rect(0, 0, 4, 5)), "PNG image, 4×5, ", "image/png", ""},
		{"bundle", display.Bundle{Data: map[string]any{"text/html": "<p>only</p>"}}, "only", "text/html", "<p>only</p>"},
		{"bundle of an unknown type", display.Bundle{Data: map[string]any{"b/c": "", "a/b": 1}}, "a/b, b/c", "a/b b/c", ""},
		{"rich", display.Rich{Text: "t", Markdown: "*t*"}, "t", "text/markdown", ""},
		{"rich with text only", display.Rich{Text: "t", Type: "T"}, "t", "text/html", ">T</code>"},
		{"chart", display.Chart{Title: "C", Series: []display.Series{{Y: []float64{1}}}}, "C\n", "text/html", "<img src=\"data:image/svg+xml;base64,"},
		{"grid", display.Grid{Headers: []string{"h"}}, "h\n-\n(no rows)", "text/html", "<table"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b, ok := display.Of(test.v)
			if !ok {
				t.Fatal("nothing to show")
			}
			if got := text(b); got != test.text && (len(test.text) < 2 || !strings.HasPrefix(got, test.text)) {
				t.Errorf("text/plain is %q, want %q", got, test.text)
			}
			for _, mime := range strings.Fields(test.mimes) {
				if _, ok := b.Data[mime]; !ok {
					t.Errorf("no %s", mime)
				}
			}
			if want := len(strings.Fields(test.mimes)) + 1; len(b.Data) != want {
				t.Errorf("%d types, want %d: %v", len(b.Data), want, b.Data)
			}
			if got, _ := b.Data["text/html"].(string); !strings.Contains(got, test.html) {
				t.Errorf("text/html is %q, want %q in it", got, test.html)
			}
		})
	}
}

func TestOfWhatHasShownItself(t *testing.T) {
	connect(t)
	var none *display.Bundle
	for _, v := range []any{display.NewHandle(), display.Progress("", 1), none, display.Bundle{}} {
		if b, ok := display.Of(v); ok {
			t.Errorf("%T is shown again: %v", v, b)
		}
	}
}

func TestOfText(t *testing.T) {
	b := display.OfText("1 two", "int", "string")
	if got := text(b); got != "1 two" {
		t.Errorf("text/plain is %q", got)
	}
	if got, _ := b.Data["text/html"].(string); !strings.Contains(got, ">int, string</code>") {
		t.Errorf("text/html is %q", got)
	}
	if b := display.OfText("x"); len(b.Data) != 1 {
		t.Errorf("without a type there is %v", b.Data)
	}
}
