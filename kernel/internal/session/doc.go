// Package session is the kernel's Jupyter semantics: it dispatches requests,
// keeps busy and idle around each, queues and counts cells, aborts the queue
// after an error, and keeps history, stdin and comms.
package session
