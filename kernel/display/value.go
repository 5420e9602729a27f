package display

import (
	"fmt"
	"html"
	"image"
	"reflect"
	"slices"
	"strings"
)

// Rich is one output in the forms its maker has, each "" or nil where it has
// none. Text is derived from another form where it is empty.
type Rich struct {
	Text     string // text/plain
	Type     string // the value's Go type, shown beside Text where there is no richer form
	HTML     string
	Markdown string
	Latex    string
	SVG      string
	PNG      []byte
	JPEG     []byte
	JSON     any
}

// Bundle is r in all its forms.
func (r Rich) Bundle() Bundle {
	b := Bundle{Data: map[string]any{}}
	add := func(from Bundle) {
		for mime, content := range from.Data {
			if _, taken := b.Data[mime]; !taken {
				b.Data[mime] = content
			}
		}
		for mime, content := range from.Metadata {
			if b.Metadata == nil {
				b.Metadata = map[string]any{}
			}
			b.Metadata[mime] = content
		}
	}
	if r.Text != "" {
		add(textBundle(r.Text))
	}
	// The forms whose text says most come first.
	if r.Markdown != "" {
		add(markdownBundle(r.Markdown))
	}
	if r.HTML != "" {
		add(htmlBundle(r.HTML))
	}
	if r.Latex != "" {
		add(latexBundle(r.Latex))
	}
	if r.JSON != nil {
		add(jsonBundle(r.JSON))
	}
	if r.SVG != "" {
		add(svgBundle(r.SVG))
	}
	if len(r.PNG) > 0 {
		add(binaryBundle(mimePNG, r.PNG))
	}
	if len(r.JPEG) > 0 {
		add(binaryBundle(mimeJPEG, r.JPEG))
	}
	if len(b.Data) <= 1 && b.Data[mimeText] != nil || len(b.Data) == 0 {
		return OfText(r.Text, r.Type)
	}
	return b
}

// Of makes the Bundle of a value, and reports whether there is anything to
// show: a *Handle or *Bar has put itself on the page already.
//
// A Bundle or Rich is taken as it is. A type with a method HTML, Markdown,
// Latex, SVG (all returning string), PNG or JPEG (returning []byte), and an
// image.Image, is shown in those forms. Everything else is text, with its type
// beside it in the HTML form. What a method MIMEBundle() map[string]any gives
// (MIME type → content) is added to the forms that the value has.
func Of(v any) (Bundle, bool) {
	switch v := v.(type) {
	case Bundle:
		return withText(v), len(v.Data) > 0
	case *Bundle:
		if v == nil {
			return Bundle{}, false
		}
		return withText(*v), len(v.Data) > 0
	case Rich:
		return v.Bundle(), true
	case *Handle, *Bar:
		return Bundle{}, false
	case interface{ Bundle() Bundle }:
		if !isNil(v) {
			return v.Bundle(), true
		}
	}
	if isNil(v) {
		return OfText("nil", typeName(v)), true
	}
	r := Rich{Type: typeName(v)}
	rich := false
	if x, ok := v.(interface{ HTML() string }); ok {
		r.HTML, rich = x.HTML(), true
	}
	if x, ok := v.(interface{ Markdown() string }); ok {
		r.Markdown, rich = x.Markdown(), true
	}
	if x, ok := v.(interface{ Latex() string }); ok {
		r.Latex, rich = x.Latex(), true
	}
	if x, ok := v.(interface{ SVG() string }); ok {
		r.SVG, rich = x.SVG(), true
	}
	if x, ok := v.(interface{ PNG() []byte }); ok {
		r.PNG, rich = x.PNG(), true
	}
	if x, ok := v.(interface{ JPEG() []byte }); ok {
		r.JPEG, rich = x.JPEG(), true
	}
	if img, ok := v.(image.Image); ok && !rich {
		return imageBundle(img), true
	}
	if _, ok := v.(fmt.Stringer); ok || !rich {
		r.Text = plain(v)
	}
	b := r.Bundle()
	if x, ok := v.(interface{ MIMEBundle() map[string]any }); ok {
		for mime, content := range x.MIMEBundle() {
			b.Data[mime] = content
		}
	}
	return b, true
}

// OfText makes the Bundle of one value, or of several side by side, that the
// caller has printed already: text is what fmt.Println prints, types names
// the Go type of each. The HTML form has both.
func OfText(text string, types ...string) Bundle {
	b := textBundle(text)
	named := strings.Join(types, ", ")
	if named == "" {
		return b
	}
	gap := "display:inline-block;vertical-align:top;margin:0 1em 0 0;white-space:pre-wrap"
	b.Data[mimeHTML] = `<div><pre style="` + gap + `">` + html.EscapeString(text) +
		`</pre><code style="opacity:.65;font-size:85%;background:none">` + html.EscapeString(named) + `</code></div>`
	return b
}

// plain prints v as fmt.Println does, a struct with its field names.
func plain(v any) string {
	rv := reflect.ValueOf(v)
	for rv.Kind() == reflect.Pointer && !rv.IsNil() {
		rv = rv.Elem()
	}
	if rv.Kind() == reflect.Struct {
		return fmt.Sprintf("%+v", v)
	}
	return fmt.Sprint(v)
}

func typeName(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%T", v)
}

// isNil reports a nil interface, or a nil pointer, map, slice, func or channel
// in one: calling methods of those would panic as often as not.
func isNil(v any) bool {
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan, reflect.Interface, reflect.UnsafePointer:
		return rv.IsNil()
	}
	return false
}

// withText gives b the text/plain that every output has.
func withText(b Bundle) Bundle {
	if _, ok := b.Data[mimeText]; ok || len(b.Data) == 0 {
		return b
	}
	data := map[string]any{}
	for mime, content := range b.Data {
		data[mime] = content
	}
	switch s := func(mime string) string { s, _ := data[mime].(string); return s }; {
	case s(mimeMarkdown) != "":
		data[mimeText] = s(mimeMarkdown)
	case s(mimeHTML) != "":
		data[mimeText] = htmlText(s(mimeHTML))
	case s(mimeLatex) != "":
		data[mimeText] = s(mimeLatex)
	case s(mimeSVG) != "":
		data[mimeText] = svgText(s(mimeSVG))
	default:
		var mimes []string
		for mime := range data {
			mimes = append(mimes, mime)
		}
		slices.Sort(mimes)
		data[mimeText] = strings.Join(mimes, ", ")
	}
	b.Data = data
	return b
}
