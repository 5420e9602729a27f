package notebook

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// The schema that Jupyter's nbformat package ships, unchanged (BSD-3-Clause,
// IPython and Jupyter Development Teams).
//
//go:embed schema/nbformat.v4.5.schema.json
var schemaJSON []byte

var compiled = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaJSON))
	if err != nil {
		return nil, fmt.Errorf("parse the nbformat schema: %w", err)
	}
	const name = "nbformat.v4.5.schema.json"
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, doc); err != nil {
		return nil, fmt.Errorf("add the nbformat schema: %w", err)
	}
	return c.Compile(name)
})

// Validate checks a file against the official nbformat 4.5 schema.
func Validate(b []byte) error {
	doc, err := parse(b)
	if err != nil {
		return err
	}
	return validate(doc)
}

func validate(doc any) error {
	schema, err := compiled()
	if err != nil {
		return err
	}
	err = schema.Validate(doc)
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	leaf := meant(invalid)
	where := "/" + strings.Join(leaf.InstanceLocation, "/")
	what := leaf.ErrorKind.LocalizedString(message.NewPrinter(language.English))
	return fmt.Errorf("at %s: %s", where, what)
}

// meant picks the one reason to show. The schema says "one of raw, markdown,
// code" and gives the reasons against each: those against a branch for another
// type of cell or output than the document's own say nothing.
func meant(e *jsonschema.ValidationError) *jsonschema.ValidationError {
	for _, c := range e.Causes {
		if !otherType(c) {
			return meant(c)
		}
	}
	if len(e.Causes) > 0 {
		return meant(e.Causes[0])
	}
	return e
}

// otherType tells that the branch failed on cell_type or output_type itself,
// at its own depth: a cell's branch isn't ruled out by an output of the cell.
func otherType(e *jsonschema.ValidationError) bool {
	for _, c := range e.Causes {
		at := c.InstanceLocation
		if len(at) == len(e.InstanceLocation)+1 && (at[len(at)-1] == "cell_type" || at[len(at)-1] == "output_type") {
			return true
		}
		if len(at) == len(e.InstanceLocation) && otherType(c) {
			return true
		}
	}
	return false
}
