package notebook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// WriteFile writes the notebook to path at once or not at all: a reader, and
// a run that is interrupted, never meet half a notebook.
func WriteFile(path string, n *Notebook) error {
	b, err := n.Encode()
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return Replace(path, b)
}

// Replace writes b to a file beside path and renames it into place.
func Replace(path string, b []byte) (err error) {
	mode := os.FileMode(0o644)
	if old, err := os.Stat(path); err == nil {
		mode = old.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	if _, err = f.Write(b); err != nil {
		f.Close()
		return err
	}
	if err = f.Chmod(mode); err != nil {
		f.Close()
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Encode writes the notebook as nbformat does (nbformat/v4/nbjson.py: sorted
// keys, indent 1, no ASCII escapes, text split into lines) and checks the
// result against the schema.
func (n *Notebook) Encode() ([]byte, error) {
	cells := make([]any, len(n.Cells))
	for i, c := range n.Cells {
		cells[i] = encodeCell(c)
	}
	doc := map[string]any{
		"cells":          cells,
		"metadata":       orEmpty(n.Metadata),
		"nbformat":       json.Number("4"),
		"nbformat_minor": json.Number("5"),
	}
	var w bytes.Buffer
	if err := encode(&w, doc, 0); err != nil {
		return nil, err
	}
	w.WriteByte('\n')
	if err := Validate(w.Bytes()); err != nil {
		return nil, fmt.Errorf("the notebook would not fit the nbformat 4.5 schema: %w", err)
	}
	return w.Bytes(), nil
}

func encodeCell(c *Cell) map[string]any {
	o := map[string]any{
		"cell_type": c.Type,
		"id":        c.ID,
		"metadata":  orEmpty(c.Metadata),
		"source":    lines(c.Source),
	}
	if c.Attachments != nil {
		files := map[string]any{}
		for name, b := range c.Attachments {
			files[name] = encodeBundle(asObject(b))
		}
		o["attachments"] = files
	}
	if c.Type == Code {
		outputs := make([]any, len(c.Outputs))
		for i, out := range c.Outputs {
			outputs[i] = encodeOutput(out)
		}
		o["outputs"] = outputs
		o["execution_count"] = count(c.ExecutionCount)
	}
	return o
}

func encodeOutput(out *Output) map[string]any {
	o := map[string]any{"output_type": out.Type}
	switch out.Type {
	case Stream:
		o["name"], o["text"] = out.Name, lines(out.Text)
	case DisplayData, ExecuteResult:
		o["data"], o["metadata"] = encodeBundle(out.Data), orEmpty(out.Metadata)
		if out.Type == ExecuteResult {
			o["execution_count"] = count(out.ExecutionCount)
		}
	case Error:
		tb := make([]any, len(out.Traceback))
		for i, l := range out.Traceback {
			tb[i] = l
		}
		o["ename"], o["evalue"], o["traceback"] = out.EName, out.EValue, tb
	}
	return o
}

func encodeBundle(b map[string]any) map[string]any {
	o := map[string]any{}
	for mime, v := range b {
		if s, ok := v.(string); ok && splits(mime) {
			v = lines(s)
		}
		o[mime] = v
	}
	return o
}

// splits is nbformat's _split_mimebundle: which types are written as lines.
func splits(mime string) bool {
	return strings.HasPrefix(mime, "text/") || mime == "application/javascript" || mime == "image/svg+xml"
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

func count(n int) any {
	if n == 0 {
		return nil
	}
	return json.Number(strconv.Itoa(n))
}

// lines is Python's str.splitlines(keepends=True), which knows more line ends
// than "\n".
func lines(s string) []any {
	out := []any{}
	start := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch r {
		case '\r':
			if i < len(s) && s[i] == '\n' {
				i++
			}
		case '\n', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		default:
			continue
		}
		out = append(out, s[start:i])
		start = i
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

// encode writes v as Python's json.dumps(sort_keys=True, indent=1,
// separators=(",", ": "), ensure_ascii=False) does.
func encode(w *bytes.Buffer, v any, depth int) error {
	switch v := v.(type) {
	case nil:
		w.WriteString("null")
	case bool:
		w.WriteString(strconv.FormatBool(v))
	case string:
		encodeString(w, v)
	case json.Number:
		return encodeNumber(w, v)
	case float64:
		return encodeFloat(w, v)
	case int:
		w.WriteString(strconv.Itoa(v))
	case int64:
		w.WriteString(strconv.FormatInt(v, 10))
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = s
		}
		return encode(w, list, depth)
	case []any:
		return encodeList(w, v, depth)
	case map[string]any:
		return encodeObject(w, v, depth)
	default:
		return fmt.Errorf("a %T has no JSON form here", v)
	}
	return nil
}

func encodeList(w *bytes.Buffer, list []any, depth int) error {
	if len(list) == 0 {
		w.WriteString("[]")
		return nil
	}
	w.WriteByte('[')
	for i, e := range list {
		newline(w, i, depth+1)
		if err := encode(w, e, depth+1); err != nil {
			return err
		}
	}
	newline(w, 0, depth)
	w.WriteByte(']')
	return nil
}

func encodeObject(w *bytes.Buffer, o map[string]any, depth int) error {
	if len(o) == 0 {
		w.WriteString("{}")
		return nil
	}
	keys := make([]string, 0, len(o))
	for k := range o {
		keys = append(keys, k)
	}
	slices.Sort(keys) // bytes of UTF-8 sort as code points, which is Python's order
	w.WriteByte('{')
	for i, k := range keys {
		newline(w, i, depth+1)
		encodeString(w, k)
		w.WriteString(": ")
		if err := encode(w, o[k], depth+1); err != nil {
			return err
		}
	}
	newline(w, 0, depth)
	w.WriteByte('}')
	return nil
}

func newline(w *bytes.Buffer, i, depth int) {
	if i > 0 {
		w.WriteByte(',')
	}
	w.WriteByte('\n')
	for range depth {
		w.WriteByte(' ')
	}
}

func encodeString(w *bytes.Buffer, s string) {
	w.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.WriteByte('\\')
			w.WriteRune(r)
		case r == '\n':
			w.WriteString(`\n`)
		case r == '\r':
			w.WriteString(`\r`)
		case r == '\t':
			w.WriteString(`\t`)
		case r == '\b':
			w.WriteString(`\b`)
		case r == '\f':
			w.WriteString(`\f`)
		case r < 0x20:
			fmt.Fprintf(w, `\u%04x`, r)
		default:
			w.WriteRune(r) // an invalid byte arrives as U+FFFD
		}
	}
	w.WriteByte('"')
}

func encodeNumber(w *bytes.Buffer, n json.Number) error {
	s := string(n)
	if strings.ContainsAny(s, ".eE") {
		f, err := n.Float64()
		if err != nil {
			return fmt.Errorf("number %s: %w", s, err)
		}
		return encodeFloat(w, f)
	}
	if s == "-0" {
		s = "0"
	}
	w.WriteString(s)
	return nil
}

// encodeFloat writes Python's repr of a float: shortest digits, an exponent
// below 1e-4 and from 1e16 on, and always a point or an exponent.
func encodeFloat(w *bytes.Buffer, f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Errorf("%v has no JSON form", f)
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		w.WriteString(strconv.FormatFloat(f, 'e', -1, 64))
		return nil
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	w.WriteString(s)
	return nil
}
