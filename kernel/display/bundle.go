// Package display is what cells import, as "spindle/display", to show things:
// text, HTML, Markdown, images, tables, plots and progress, inline.
//
// It knows nothing of Jupyter's transport: every call makes a Bundle and gives
// it to the Sink that the worker connected. Without one (the same code run by
// `go run`) a Bundle's text/plain goes to standard output.
package display

// Bundle is one rich output: the same content in several MIME types, of which
// a front end picks the richest it can show. text/plain is always there.
type Bundle struct {
	// Data maps MIME type → content: a string for text types and SVG, base64
	// for binary images, any JSON value for application/json.
	Data     map[string]any `json:"data"`
	Metadata map[string]any `json:"metadata,omitempty"` // per MIME type
	// ID names this output for later updates (transient.display_id).
	ID string `json:"id,omitempty"`
	// Update replaces the output already shown under ID instead of adding one.
	Update bool `json:"update,omitempty"`
}

// Sink takes outputs on behalf of the cell that the calling goroutine
// belongs to. Implementations are safe for concurrent use.
type Sink interface {
	Show(Bundle)
	ClearOutput(wait bool)
}
