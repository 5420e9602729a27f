package run

import (
	"encoding/json"
	"maps"
	"regexp"
	"strconv"

	"spindle/lessons/internal/notebook"
)

// Message is one IOPub message as far as outputs go: its type and its content,
// numbers as json.Number.
type Message struct {
	Type    string
	Content map[string]any
}

// collector turns IOPub messages into the outputs of cells, by the rules that
// nbclient and JupyterLab share. It is used by one goroutine at a time.
type collector struct {
	// shown maps display_id → every output shown under it, in any cell.
	shown map[string][]*notebook.Output
	// clearing holds the cells whose outputs go when the next one comes
	// (clear_output with wait).
	clearing map[*notebook.Cell]bool
}

func newCollector() *collector {
	return &collector{shown: map[string][]*notebook.Output{}, clearing: map[*notebook.Cell]bool{}}
}

// add applies one message to the cell whose request it answers.
func (c *collector) add(cell *notebook.Cell, m Message) {
	switch m.Type {
	case "execute_input":
		cell.ExecutionCount = integer(m.Content["execution_count"])
	case "clear_output":
		if wait, _ := m.Content["wait"].(bool); wait {
			c.clearing[cell] = true
			return
		}
		c.clear(cell)
	case "update_display_data":
		data, metadata := object(m.Content["data"]), object(m.Content["metadata"])
		for _, o := range c.shown[displayID(m)] {
			// Each its own copy: nothing that changes one may change another.
			o.Data, o.Metadata = maps.Clone(data), maps.Clone(metadata)
		}
	case notebook.Stream:
		name, _ := m.Content["name"].(string)
		text, _ := m.Content["text"].(string)
		c.due(cell)
		c.stream(cell, name, text)
	case notebook.DisplayData, notebook.ExecuteResult:
		c.due(cell)
		o := &notebook.Output{
			Type:     m.Type,
			Data:     object(m.Content["data"]),
			Metadata: object(m.Content["metadata"]),
		}
		if m.Type == notebook.ExecuteResult {
			o.ExecutionCount = integer(m.Content["execution_count"])
		}
		cell.Outputs = append(cell.Outputs, o)
		if id := displayID(m); id != "" {
			c.shown[id] = append(c.shown[id], o)
		}
	case notebook.Error:
		c.due(cell)
		ename, _ := m.Content["ename"].(string)
		evalue, _ := m.Content["evalue"].(string)
		cell.Outputs = append(cell.Outputs, &notebook.Output{
			Type: notebook.Error, EName: ename, EValue: evalue, Traceback: texts(m.Content["traceback"]),
		})
	}
}

// stream appends text to the last output where that is the same stream.
func (c *collector) stream(cell *notebook.Cell, name, text string) {
	if text == "" {
		return
	}
	if n := len(cell.Outputs); n > 0 {
		if last := cell.Outputs[n-1]; last.Type == notebook.Stream && last.Name == name {
			last.Text += text
			return
		}
	}
	cell.Outputs = append(cell.Outputs, &notebook.Output{Type: notebook.Stream, Name: name, Text: text})
}

func (c *collector) due(cell *notebook.Cell) {
	if c.clearing[cell] {
		c.clear(cell)
	}
}

func (c *collector) clear(cell *notebook.Cell) {
	delete(c.clearing, cell)
	for id, outputs := range c.shown {
		var kept []*notebook.Output
		for _, o := range outputs {
			if !contains(cell.Outputs, o) {
				kept = append(kept, o)
			}
		}
		c.shown[id] = kept
	}
	cell.Outputs = nil
}

func contains(list []*notebook.Output, o *notebook.Output) bool {
	for _, e := range list {
		if e == o {
			return true
		}
	}
	return false
}

var (
	overwritten = regexp.MustCompile(`.*\r+([^\r\n])`)
	erased      = regexp.MustCompile("[^\n\b]\b")
)

// terminal does what a terminal would with carriage returns and backspaces: a
// progress line that was rewritten a hundred times is kept as it last stood.
func terminal(text string) string {
	for {
		next := erased.ReplaceAllString(text, "")
		if len(next) == len(text) {
			break
		}
		text = next
	}
	return overwritten.ReplaceAllString(text, "$1")
}

// settle finishes the streams of a cell after its last output.
func settle(cell *notebook.Cell) {
	for _, o := range cell.Outputs {
		if o.Type == notebook.Stream {
			o.Text = terminal(o.Text)
		}
	}
}

func displayID(m Message) string {
	id, _ := object(m.Content["transient"])["display_id"].(string)
	return id
}

func object(v any) map[string]any {
	if o, ok := v.(map[string]any); ok {
		return o
	}
	return map[string]any{}
}

func texts(v any) []string {
	list, _ := v.([]any)
	out := []string{}
	for _, e := range list {
		s, _ := e.(string)
		out = append(out, s)
	}
	return out
}

func integer(v any) int {
	switch v := v.(type) {
	case json.Number:
		n, _ := strconv.Atoi(string(v))
		return n
	case float64:
		return int(v)
	case int:
		return v
	}
	return 0
}
