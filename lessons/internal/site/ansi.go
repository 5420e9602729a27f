package site

import (
	"fmt"
	"html"
	"strconv"
	"strings"
)

// Only colours and weights are read (ECMA-48 SGR); other control sequences are
// dropped. Libraries for this emulate whole screens and load images and links
// that a sequence names, which no page of ours may.

// pen is the state that SGR sequences change.
type pen struct {
	fg, bg                       string // CSS class or "#rrggbb", "" for the page's own
	bold, dim, italic, underline bool
}

func (p pen) open() string {
	var classes, style []string
	for _, c := range []struct{ value, prefix, property string }{{p.fg, "fg", "color"}, {p.bg, "bg", "background"}} {
		switch {
		case strings.HasPrefix(c.value, "#"):
			style = append(style, c.property+":"+c.value)
		case c.value != "":
			classes = append(classes, "ansi-"+c.prefix+"-"+c.value)
		}
	}
	for _, f := range []struct {
		on   bool
		name string
	}{{p.bold, "bold"}, {p.dim, "dim"}, {p.italic, "italic"}, {p.underline, "underline"}} {
		if f.on {
			classes = append(classes, "ansi-"+f.name)
		}
	}
	var b strings.Builder
	b.WriteString("<span")
	if len(classes) > 0 {
		fmt.Fprintf(&b, ` class="%s"`, strings.Join(classes, " "))
	}
	if len(style) > 0 {
		fmt.Fprintf(&b, ` style="%s"`, strings.Join(style, ";"))
	}
	b.WriteString(">")
	return b.String()
}

// ansiHTML writes terminal output as HTML: escaped, colours as spans.
func ansiHTML(text string) string {
	var b strings.Builder
	var p pen
	for text != "" {
		i := strings.IndexByte(text, 0x1b)
		if i < 0 {
			i = len(text)
		}
		if i > 0 {
			span(&b, p, text[:i])
		}
		text = text[i:]
		if text == "" {
			break
		}
		params, final, rest := sequence(text)
		if final == 'm' {
			p = p.apply(params)
		}
		text = rest
	}
	return b.String()
}

func span(b *strings.Builder, p pen, text string) {
	if p == (pen{}) {
		b.WriteString(html.EscapeString(text))
		return
	}
	b.WriteString(p.open())
	b.WriteString(html.EscapeString(text))
	b.WriteString("</span>")
}

// sequence splits the escape sequence off the front of text. final is 0 where
// it isn't a control sequence (CSI); one that is cut short takes the rest.
func sequence(text string) (params string, final byte, rest string) {
	text = text[1:]
	if text == "" {
		return "", 0, ""
	}
	switch text[0] {
	case '[':
		for i := 1; i < len(text); i++ {
			if c := text[i]; c >= 0x40 && c <= 0x7e {
				return text[1:i], c, text[i+1:]
			}
		}
		return "", 0, ""
	case ']': // operating system command, ended by BEL or ST
		for i := 1; i < len(text); i++ {
			if text[i] == 0x07 {
				return "", 0, text[i+1:]
			}
			if text[i] == 0x1b {
				return "", 0, strings.TrimPrefix(text[i+1:], `\`)
			}
		}
		return "", 0, ""
	}
	if text[0] >= 0x80 {
		return "", 0, text
	}
	return "", 0, text[1:]
}

func (p pen) apply(params string) pen {
	codes := []int{}
	for s := range strings.SplitSeq(strings.ReplaceAll(params, ":", ";"), ";") {
		n, _ := strconv.Atoi(s) // an empty parameter is 0
		codes = append(codes, n)
	}
	for i := 0; i < len(codes); i++ {
		switch n := codes[i]; {
		case n == 0:
			p = pen{}
		case n == 1:
			p.bold = true
		case n == 2:
			p.dim = true
		case n == 3:
			p.italic = true
		case n == 4:
			p.underline = true
		case n == 22:
			p.bold, p.dim = false, false
		case n == 23:
			p.italic = false
		case n == 24:
			p.underline = false
		case n >= 30 && n <= 37, n >= 90 && n <= 97:
			p.fg = basic(n%10, n >= 90)
		case n == 39:
			p.fg = ""
		case n >= 40 && n <= 47, n >= 100 && n <= 107:
			p.bg = basic(n%10, n >= 100)
		case n == 49:
			p.bg = ""
		case n == 38 || n == 48:
			colour, used := extended(codes[i+1:])
			i += used
			if n == 38 {
				p.fg = colour
			} else {
				p.bg = colour
			}
		}
	}
	return p
}

// basic names one of the 16 colours that the theme decides on.
func basic(n int, bright bool) string {
	if bright {
		n += 8
	}
	return strconv.Itoa(n)
}

// extended reads what follows 38 or 48: 5;N of the 256-colour palette, or
// 2;R;G;B. It returns how many codes it used.
func extended(codes []int) (colour string, used int) {
	switch {
	case len(codes) >= 2 && codes[0] == 5:
		return palette(codes[1]), 2
	case len(codes) >= 4 && codes[0] == 2:
		return hex(codes[1], codes[2], codes[3]), 4
	}
	return "", len(codes)
}

// palette is xterm's: 16 colours, a 6×6×6 cube, 24 greys.
func palette(n int) string {
	switch {
	case n < 0 || n > 255:
		return ""
	case n < 16:
		return basic(n%8, n >= 8)
	case n < 232:
		n -= 16
		level := func(i int) int {
			if i == 0 {
				return 0
			}
			return 55 + 40*i
		}
		return hex(level(n/36), level(n/6%6), level(n%6))
	}
	grey := 8 + 10*(n-232)
	return hex(grey, grey, grey)
}

func hex(r, g, b int) string {
	return fmt.Sprintf("#%02x%02x%02x", r&0xff, g&0xff, b&0xff)
}
