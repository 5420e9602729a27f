// Package imports has only a test: it holds the graph of imports that
// docs/architecture.md describes.
package imports
