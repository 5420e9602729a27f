package sockets

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Flags of a ZMTP 3.0 frame (https://rfc.zeromq.org/spec/23/, "Framing").
const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
	flagUnknown = ^byte(flagMore | flagLong | flagCommand)
)

// Limits of one inbound message.
const (
	maxMessageBytes = 64 << 20
	maxFrames       = 4096
	// freeBytes of a message are not counted against the budget, so that a
	// flood of large messages cannot keep small ones out.
	freeBytes = 64 << 10
)

var (
	errTooLarge = errors.New("message too large")
	errFlags    = errors.New("unknown flags in frame header")
)

// encode gives the bytes of one message on the wire: every subscriber is
// written the same slice.
func encode(frames [][]byte) []byte {
	size := 0
	for _, f := range frames {
		size += 9 + len(f)
	}
	buf := make([]byte, 0, size)
	for i, f := range frames {
		var flags byte
		if i < len(frames)-1 {
			flags = flagMore
		}
		if len(f) > 255 {
			buf = append(buf, flags|flagLong)
			buf = binary.BigEndian.AppendUint64(buf, uint64(len(f)))
		} else {
			buf = append(buf, flags, byte(len(f)))
		}
		buf = append(buf, f...)
	}
	return buf
}

// command gives the bytes of one ZMTP command.
func command(name string, body []byte) []byte {
	n := 1 + len(name) + len(body)
	buf := make([]byte, 0, 9+n)
	if n > 255 {
		buf = append(buf, flagCommand|flagLong)
		buf = binary.BigEndian.AppendUint64(buf, uint64(n))
	} else {
		buf = append(buf, flagCommand, byte(n))
	}
	buf = append(buf, byte(len(name)))
	buf = append(buf, name...)
	return append(buf, body...)
}

// message is one inbound message or command.
type message struct {
	frames  [][]byte
	command bool
	charged int64 // bytes taken from the budget; whoever consumes it releases them
}

// frameReader reads messages of bounded size. A declared length costs nothing:
// memory grows only as bytes arrive.
type frameReader struct {
	r      *bufio.Reader
	budget *budget
	limit  int64
	// inside is called when a message has begun or goes on, and outside when
	// it is whole: a peer may be silent between messages, not within.
	inside, outside func()
}

// next reads a whole message. On error nothing stays charged.
func (fr *frameReader) next() (m message, err error) {
	var total int64
	defer func() {
		fr.outside()
		if err != nil {
			fr.budget.release(m.charged)
			m = message{}
		}
	}()
	for {
		flags, size, err := fr.header()
		fr.inside()
		if err != nil {
			if len(m.frames) > 0 && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return m, err
		}
		if len(m.frames) == maxFrames {
			return m, fmt.Errorf("%w: more than %d frames", errTooLarge, maxFrames)
		}
		if size > uint64(fr.limit-total) {
			return m, fmt.Errorf("%w: more than %d bytes", errTooLarge, fr.limit)
		}
		// 64 for the slice header and allocator, so that empty frames count.
		total += int64(size) + 64
		body, err := fr.body(int64(size), &m.charged, total)
		if err != nil {
			return m, err
		}
		if flags&flagCommand != 0 {
			if len(m.frames) > 0 || flags&flagMore != 0 {
				return m, fmt.Errorf("%w: command inside a message", errFlags)
			}
			m.frames, m.command = [][]byte{body}, true
			return m, nil
		}
		m.frames = append(m.frames, body)
		if flags&flagMore == 0 {
			return m, nil
		}
	}
}

func (fr *frameReader) header() (flags byte, size uint64, err error) {
	if flags, err = fr.r.ReadByte(); err != nil {
		return 0, 0, err
	}
	if flags&flagUnknown != 0 {
		return 0, 0, fmt.Errorf("%w: %#02x", errFlags, flags)
	}
	n := 1
	if flags&flagLong != 0 {
		n = 8
	}
	var b [8]byte
	if _, err := io.ReadFull(fr.r, b[8-n:]); err != nil {
		return 0, 0, noEOF(err)
	}
	return flags, binary.BigEndian.Uint64(b[:]), nil
}

// body reads size bytes, taking what exceeds freeBytes from the budget as it
// arrives. end is the message's size up to and with this frame.
func (fr *frameReader) body(size int64, charged *int64, end int64) ([]byte, error) {
	const chunk = 256 << 10
	buf := make([]byte, 0, min(size, chunk))
	for int64(len(buf)) < size {
		n := min(size-int64(len(buf)), max(chunk, int64(len(buf)))) // doubles
		arrived := end - size + int64(len(buf)) + n
		if over := arrived - freeBytes - *charged; over > 0 {
			if !fr.budget.acquire(over) {
				return nil, fmt.Errorf("%w: no memory left for inbound messages", errTooLarge)
			}
			*charged += over
		}
		start := len(buf)
		if need := start + int(n); need > cap(buf) {
			grown := make([]byte, start, need)
			copy(grown, buf)
			buf = grown
		}
		buf = buf[:start+int(n)]
		fr.inside()
		if _, err := io.ReadFull(fr.r, buf[start:]); err != nil {
			return nil, noEOF(err)
		}
	}
	return buf, nil
}

// noEOF says that an end inside a frame is not an orderly one.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
