// Package frames is the stream between the kernel and its worker: typed,
// numbered, length-bounded frames over a pipe, in each direction one.
//
// A frame on the wire is a 4-byte big-endian length of what follows, one byte
// of kind, a 4-byte number and the body. What the number means and what the
// body holds depends on the kind; most bodies are JSON, output is raw bytes.
package frames

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Kind tells what a frame is for.
type Kind uint8

// Kernel to worker.
const (
	Execute   Kind = iota + 1 // number: cell; body: JSON
	Interrupt                 // number: the cell to interrupt
	Call                      // number: of the call, answered by Reply; body: JSON
	Ack                       // number: of the ordered frame that has been shown
)

// Worker to kernel.
const (
	Ready  Kind = iota + 64 // the worker takes cells from now on
	Output                  // number: cell; body: one byte, 1 for stderr, then what was printed
	Show                    // number: for the Ack; body: JSON
	Done                    // number: cell; body: JSON. The cell's end mark
	Reply                   // number: of the Call; body: JSON
	Stuck                   // number: cell. It does not stop: the process has to go
)

// MaxBody bounds a body, in bytes: larger ones are refused on both sides, by
// the reader before it allocates.
const MaxBody = 64 << 20

const headerBytes = 9

// ErrTooLarge is a frame whose length is over MaxBody.
var ErrTooLarge = errors.New("frame too large")

// ErrShort is a frame whose length leaves no room for its kind and number.
var ErrShort = errors.New("frame too short")

// Frame is one message of the stream.
type Frame struct {
	Kind   Kind
	Number uint32
	Body   []byte
}

// Decoder cuts a byte stream into frames, however it arrives in pieces.
// The zero Decoder is ready. It is not safe for concurrent use.
type Decoder struct {
	buf []byte
	err error
}

// Feed adds bytes to the stream. p may be reused afterwards.
func (d *Decoder) Feed(p []byte) { d.buf = append(d.buf, p...) }

// Next returns the next whole frame, or false where more bytes are needed.
// The frame's body is the caller's. After an error, which is ErrTooLarge or
// ErrShort, the stream has lost its footing: every later call fails alike.
func (d *Decoder) Next() (Frame, bool, error) {
	if d.err != nil {
		return Frame{}, false, d.err
	}
	if len(d.buf) < 4 {
		return Frame{}, false, nil
	}
	n := binary.BigEndian.Uint32(d.buf)
	switch {
	case n > MaxBody+headerBytes-4:
		d.err = fmt.Errorf("%w: %d bytes", ErrTooLarge, n)
	case n < headerBytes-4:
		d.err = fmt.Errorf("%w: %d bytes", ErrShort, n)
	}
	if d.err != nil {
		d.buf = nil
		return Frame{}, false, d.err
	}
	end := 4 + int(n)
	if len(d.buf) < end {
		return Frame{}, false, nil
	}
	f := Frame{
		Kind:   Kind(d.buf[4]),
		Number: binary.BigEndian.Uint32(d.buf[5:]),
		Body:   append([]byte(nil), d.buf[headerBytes:end]...),
	}
	if rest := d.buf[end:]; len(rest) == 0 {
		d.buf = keepSmall(d.buf)
	} else {
		d.buf = append(d.buf[:0], rest...)
	}
	return f, true, nil
}

// keepSmall reuses an emptied buffer unless one huge frame has blown it up.
func keepSmall(b []byte) []byte {
	if cap(b) > 1<<20 {
		return nil
	}
	return b[:0]
}

// Reader reads frames from a stream.
type Reader struct {
	r   io.Reader
	dec Decoder
	buf []byte
}

// NewReader returns a Reader of r, which it alone may read from then on.
func NewReader(r io.Reader) *Reader { return &Reader{r: r, buf: make([]byte, 64<<10)} }

// Read returns the next frame; io.EOF at the end of the stream,
// io.ErrUnexpectedEOF where it ends inside a frame.
func (r *Reader) Read() (Frame, error) {
	for {
		f, ok, err := r.dec.Next()
		if ok || err != nil {
			return f, err
		}
		n, err := r.r.Read(r.buf)
		r.dec.Feed(r.buf[:n])
		if n > 0 || err == nil {
			continue
		}
		if errors.Is(err, io.EOF) && len(r.dec.buf) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return Frame{}, err
	}
}

// Writer writes frames to a stream, each by one call of Write. It is safe for
// concurrent use; frames never mix.
type Writer struct {
	mu  sync.Mutex // guards w and buf
	w   io.Writer
	buf []byte
}

// NewWriter returns a Writer to w, which it alone may write to from then on.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write sends one frame. It fails with ErrTooLarge, or as the stream does.
func (w *Writer) Write(kind Kind, number uint32, body []byte) error {
	if len(body) > MaxBody {
		return fmt.Errorf("%w: %d bytes", ErrTooLarge, len(body))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = Append(w.buf[:0], kind, number, body)
	_, err := w.w.Write(w.buf)
	w.buf = keepSmall(w.buf)
	return err
}

// WriteJSON sends one frame whose body is v as JSON.
func (w *Writer) WriteJSON(kind Kind, number uint32, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	return w.Write(kind, number, body)
}

// Append appends one frame to b as it goes over the wire. The body must not be
// over MaxBody.
func Append(b []byte, kind Kind, number uint32, body []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)+headerBytes-4))
	b = append(b, byte(kind))
	b = binary.BigEndian.AppendUint32(b, number)
	return append(b, body...)
}
