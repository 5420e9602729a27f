package notebook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxFileBytes bounds what is read: no lesson comes near it.
const maxFileBytes = 256 << 20

// FormatError says why a file isn't a notebook that this package reads.
type FormatError struct {
	Reason string // for people
	Err    error  // the parser's or validator's error; may be nil
}

func (e *FormatError) Error() string {
	if e.Err != nil {
		return "not a notebook: " + e.Reason + ": " + e.Err.Error()
	}
	return "not a notebook: " + e.Reason
}

func (e *FormatError) Unwrap() error { return e.Err }

// ReadFile reads the notebook at path. The error names the file; it is a
// *FormatError where the file was read but isn't a notebook.
func ReadFile(path string) (*Notebook, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read notebook: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read notebook: %w", err)
	}
	if len(b) > maxFileBytes {
		return nil, fmt.Errorf("%s: %w", path, &FormatError{Reason: "larger than 256 MiB"})
	}
	n, err := Read(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

// Read reads a notebook: nbformat 4.5, and 4.0 to 4.4, whose cells get ids.
// Every error is a *FormatError.
func Read(b []byte) (*Notebook, error) {
	doc, err := parse(b)
	if err != nil {
		return nil, err
	}
	if err := version(doc); err != nil {
		return nil, err
	}
	cells, _ := doc["cells"].([]any)
	if len(cells) == 0 {
		return nil, &FormatError{Reason: "it has no cells"}
	}
	if doc["nbformat_minor"] != json.Number("5") {
		upgrade(doc, cells)
	}
	if err := validate(doc); err != nil {
		return nil, &FormatError{Reason: "it doesn't fit the nbformat 4.5 schema", Err: err}
	}
	n := &Notebook{Metadata: asObject(doc["metadata"])}
	seen := map[string]bool{}
	for i, c := range cells {
		cell := readCell(asObject(c))
		if seen[cell.ID] {
			return nil, &FormatError{Reason: fmt.Sprintf("cell %d has the id %q of an earlier cell", i+1, cell.ID)}
		}
		seen[cell.ID] = true
		n.Cells = append(n.Cells, cell)
	}
	return n, nil
}

func parse(b []byte) (map[string]any, error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, &FormatError{Reason: "the file is empty"}
	}
	if !utf8.Valid(b) {
		return nil, &FormatError{Reason: "it isn't UTF-8"}
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, &FormatError{Reason: "it isn't JSON (line " + strconv.Itoa(lineOf(b, err)) + ")", Err: err}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, &FormatError{Reason: "something follows the JSON object"}
	}
	doc, ok := v.(map[string]any)
	if !ok {
		return nil, &FormatError{Reason: "its JSON isn't an object"}
	}
	if err := finite(doc); err != nil {
		return nil, err
	}
	return doc, nil
}

// lineOf is the line of a JSON syntax error, the last line where it is the end.
func lineOf(b []byte, err error) int {
	end := len(b)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && syntax.Offset < int64(end) {
		end = int(syntax.Offset)
	}
	return 1 + bytes.Count(b[:end], []byte("\n"))
}

// finite refuses numbers that no front end could hold: validators work them
// out exactly, and 1e999999999 would take all the memory there is.
func finite(v any) error {
	switch v := v.(type) {
	case json.Number:
		if _, err := v.Float64(); err != nil {
			return &FormatError{Reason: "a number is out of range", Err: err}
		}
	case []any:
		for _, e := range v {
			if err := finite(e); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, e := range v {
			if err := finite(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func version(doc map[string]any) error {
	major, ok := doc["nbformat"].(json.Number)
	if !ok {
		return &FormatError{Reason: "it has no nbformat number"}
	}
	minor, ok := doc["nbformat_minor"].(json.Number)
	if !ok {
		return &FormatError{Reason: "it has no nbformat_minor number"}
	}
	m, err := minor.Int64()
	if major != "4" || err != nil || m < 0 || m > 5 {
		return &FormatError{Reason: fmt.Sprintf("nbformat %s.%s is not read here, only 4.0 to 4.5 (open and save it in JupyterLab 4)", major, minor)}
	}
	return nil
}

// upgrade makes a 4.0–4.4 document a 4.5 one: all that is missing is cell ids.
func upgrade(doc map[string]any, cells []any) {
	doc["nbformat_minor"] = json.Number("5")
	for i, c := range cells {
		if o, ok := c.(map[string]any); ok && o["id"] == nil {
			o["id"] = fmt.Sprintf("cell-%d", i+1)
		}
	}
}

// readCell converts a cell that passed the schema.
func readCell(o map[string]any) *Cell {
	c := &Cell{
		Type:     asString(o["cell_type"]),
		ID:       asString(o["id"]),
		Source:   asText(o["source"]),
		Metadata: asObject(o["metadata"]),
	}
	if a, ok := o["attachments"].(map[string]any); ok {
		for name, bundle := range a {
			a[name] = asBundle(bundle)
		}
		c.Attachments = a
	}
	// JupyterLab's mark of trust is never stored (nbformat strip_transient).
	delete(c.Metadata, "trusted")
	if c.Type != Code {
		return c
	}
	c.ExecutionCount = asInt(o["execution_count"])
	outputs, _ := o["outputs"].([]any)
	for _, v := range outputs {
		c.Outputs = append(c.Outputs, readOutput(asObject(v)))
	}
	return c
}

func readOutput(o map[string]any) *Output {
	out := &Output{Type: asString(o["output_type"])}
	switch out.Type {
	case Stream:
		out.Name, out.Text = asString(o["name"]), asText(o["text"])
	case DisplayData, ExecuteResult:
		out.Data, out.Metadata = asBundle(o["data"]), asObject(o["metadata"])
		out.ExecutionCount = asInt(o["execution_count"])
	case Error:
		out.EName, out.EValue = asString(o["ename"]), asString(o["evalue"])
		lines, _ := o["traceback"].([]any)
		for _, l := range lines {
			out.Traceback = append(out.Traceback, asString(l))
		}
	}
	return out
}

func asBundle(v any) map[string]any {
	b := asObject(v)
	for mime, content := range b {
		if list, ok := content.([]any); ok && !isJSON(mime) {
			if s, ok := join(list); ok {
				b[mime] = s
			}
		}
	}
	return b
}

// isJSON is nbformat's _is_json_mime: content that is left as it is.
func isJSON(mime string) bool {
	return mime == "application/json" || strings.HasPrefix(mime, "application/") && strings.HasSuffix(mime, "+json")
}

func asObject(v any) map[string]any {
	if o, ok := v.(map[string]any); ok {
		return o
	}
	return map[string]any{}
}

func asString(v any) string {
	s, _ := v.(string)
	return s
}

// asText reads nbformat's multiline_string: a string or a list of them.
func asText(v any) string {
	if list, ok := v.([]any); ok {
		s, _ := join(list)
		return s
	}
	return asString(v)
}

func join(list []any) (string, bool) {
	var b strings.Builder
	for _, l := range list {
		s, ok := l.(string)
		if !ok {
			return "", false
		}
		b.WriteString(s)
	}
	return b.String(), true
}

func asInt(v any) int {
	n, _ := v.(json.Number)
	i, _ := strconv.Atoi(string(n))
	return i
}
