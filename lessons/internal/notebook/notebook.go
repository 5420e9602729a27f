// Package notebook reads, validates and writes Jupyter notebooks (nbformat 4.5).
//
// What it writes is byte for byte what Jupyter's own nbformat package writes,
// so that saving a lesson in JupyterLab and capturing it here differ in
// nothing but what was changed.
package notebook

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// Cell types of nbformat 4.
const (
	Code     = "code"
	Markdown = "markdown"
	Raw      = "raw"
)

// Output types of nbformat 4.
const (
	Stream        = "stream"
	DisplayData   = "display_data"
	ExecuteResult = "execute_result"
	Error         = "error"
)

// Notebook is one notebook in memory. Text is whole strings, not lists of lines.
type Notebook struct {
	// Metadata holds any JSON value; numbers as read are json.Number.
	Metadata map[string]any
	Cells    []*Cell
}

// Cell is one cell. Outputs and ExecutionCount are a code cell's only.
type Cell struct {
	Type        string
	ID          string
	Source      string
	Metadata    map[string]any
	Attachments map[string]any // file name → MIME bundle; nil where there are none

	Outputs        []*Output
	ExecutionCount int // 0 is null: never run
}

// Output is one output of a code cell; which fields count depends on Type.
type Output struct {
	Type string

	Name, Text string // Stream: "stdout" or "stderr", and what was written

	// DisplayData and ExecuteResult: MIME type → content. Text types and
	// base64 images are strings, JSON types any JSON value.
	Data           map[string]any
	Metadata       map[string]any
	ExecutionCount int // ExecuteResult

	EName, EValue string // Error
	Traceback     []string
}

// MIME returns the output's content of that text type, "" where it has none.
func (o *Output) MIME(mime string) string {
	s, _ := o.Data[mime].(string)
	return s
}

// Title is the first heading of the notebook, "" where it has none.
func (n *Notebook) Title() string {
	for _, c := range n.Cells {
		if c.Type != Markdown {
			continue
		}
		for line := range strings.Lines(c.Source) {
			if t, ok := strings.CutPrefix(strings.TrimSpace(line), "# "); ok {
				return strings.TrimSpace(t)
			}
		}
	}
	return ""
}

// CodeCells lists the cells to run, in order: code cells that aren't blank.
func (n *Notebook) CodeCells() []*Cell {
	var code []*Cell
	for _, c := range n.Cells {
		if c.Type == Code && strings.TrimSpace(c.Source) != "" {
			code = append(code, c)
		}
	}
	return code
}

// Spindle is the notebook's metadata under "spindle", made where it is missing.
func (n *Notebook) Spindle() map[string]any { return object(&n.Metadata, "spindle") }

// Spindle is the cell's metadata under "spindle", made where it is missing.
func (c *Cell) Spindle() map[string]any { return object(&c.Metadata, "spindle") }

func object(m *map[string]any, key string) map[string]any {
	if *m == nil {
		*m = map[string]any{}
	}
	o, ok := (*m)[key].(map[string]any)
	if !ok {
		o = map[string]any{}
		(*m)[key] = o
	}
	return o
}

// Tags lists the cell's tags (metadata.tags).
func (c *Cell) Tags() []string {
	list, _ := c.Metadata["tags"].([]any)
	var tags []string
	for _, t := range list {
		if s, ok := t.(string); ok {
			tags = append(tags, s)
		}
	}
	return tags
}

// HasTag tells whether the cell carries the tag.
func (c *Cell) HasTag(tag string) bool { return slices.Contains(c.Tags(), tag) }

// TagValue returns what follows prefix in the cell's first tag that has it.
func (c *Cell) TagValue(prefix string) (string, bool) {
	for _, t := range c.Tags() {
		if v, ok := strings.CutPrefix(t, prefix); ok {
			return v, true
		}
	}
	return "", false
}

// SourceHash identifies the source that outputs came from: SHA-256, in hex.
func (c *Cell) SourceHash() string {
	sum := sha256.Sum256([]byte(c.Source))
	return hex.EncodeToString(sum[:])
}

// Strip removes what a run leaves in the notebook: outputs, counts, timing and
// the stamp of the machine. The author's own metadata stays.
func (n *Notebook) Strip() {
	strip(n.Metadata, "captured")
	for _, c := range n.Cells {
		c.Outputs, c.ExecutionCount = nil, 0
		strip(c.Metadata, "source_sha256")
		delete(c.Metadata, "execution")
	}
}

func strip(metadata map[string]any, key string) {
	s, ok := metadata["spindle"].(map[string]any)
	if !ok {
		return
	}
	delete(s, key)
	if len(s) == 0 {
		delete(metadata, "spindle")
	}
}

// Clone copies the notebook deeply enough that running the copy leaves the
// original as it was: cells, outputs and both levels of metadata.
func (n *Notebook) Clone() *Notebook {
	out := &Notebook{Metadata: cloneObject(n.Metadata)}
	for _, c := range n.Cells {
		d := *c
		d.Metadata = cloneObject(c.Metadata)
		d.Outputs = nil
		for _, o := range c.Outputs {
			p := *o
			p.Data, p.Metadata = maps.Clone(o.Data), maps.Clone(o.Metadata)
			d.Outputs = append(d.Outputs, &p)
		}
		out.Cells = append(out.Cells, &d)
	}
	return out
}

func cloneObject(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		if o, ok := v.(map[string]any); ok {
			v = cloneObject(o)
		}
		out[k] = v
	}
	return out
}
