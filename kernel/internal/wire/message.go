package wire

import (
	"bytes"
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"os/user"
	"time"

	"github.com/google/uuid"
)

// delimiter stands between the routing identities and the signature.
const delimiter = "<IDS|MSG>"

// maxJSONBytes bounds one JSON frame. A notebook cell of more than 64 MiB is a
// mistake or an attack.
const maxJSONBytes = 64 << 20

// Errors of Decode. Each means: drop the message.
var (
	ErrMalformed = errors.New("malformed message")
	ErrSignature = errors.New("bad signature")
	ErrReplay    = errors.New("repeated signature")
)

// Header identifies a message. Unknown keys of a received header are kept in
// Message.RawHeader, which is what replies carry as their parent.
type Header struct {
	MsgID    string `json:"msg_id"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"` // ISO 8601 with zone
	MsgType  string `json:"msg_type"`
	Version  string `json:"version"`
}

// Time is the header's date, or the zero time where it has none that parses.
func (h Header) Time() time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, h.Date); err == nil {
			return t
		}
	}
	return time.Time{}
}

// Message is one Jupyter message.
type Message struct {
	// Identities are the routing frames ahead of the delimiter: all of them go
	// back with a reply. On IOPub there is one, the topic.
	Identities [][]byte
	Header     Header
	// RawHeader is the header as received; nil for a message made here.
	RawHeader json.RawMessage
	// Parent is the header of the message that caused this one; nil is {}.
	Parent   json.RawMessage
	Metadata json.RawMessage // nil is {}
	Content  json.RawMessage // nil is {}
	Buffers  [][]byte
}

// ParentHeader reads Parent; the zero Header where there is none.
func (m Message) ParentHeader() Header {
	var h Header
	_ = json.Unmarshal(m.Parent, &h) // {} and junk alike are "no parent"
	return h
}

// NewHeader makes a header of msgType for session, dated now.
func NewHeader(session, msgType string) Header {
	return Header{
		MsgID:    uuid.NewString(),
		Session:  session,
		Username: username(),
		Date:     time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"),
		MsgType:  msgType,
		Version:  ProtocolVersion,
	}
}

// username is who runs the kernel; front ends show it, nothing depends on it.
func username() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "username"
}

// Codec turns messages into frames and back, signed with one key. It is safe
// for concurrent use, and shared by all sockets of a kernel, so that a message
// replayed on another socket is known too.
type Codec struct {
	newMAC func() hash.Hash // nil: unsigned, as the spec has it for an empty key
	seen   *replayGuard
}

// NewCodec makes a Codec for the connection's key and scheme.
func NewCodec(c Connection) (*Codec, error) {
	newHash, err := c.scheme()
	if err != nil {
		return nil, err
	}
	codec := &Codec{seen: newReplayGuard(replayWindow)}
	if c.Key != "" {
		key := []byte(c.Key)
		codec.newMAC = func() hash.Hash { return hmac.New(newHash, key) }
	}
	return codec, nil
}

// Encode gives the frames of m: identities, delimiter, signature, header,
// parent header, metadata, content, buffers.
func (c *Codec) Encode(m Message) ([][]byte, error) {
	header := m.RawHeader
	if header == nil {
		b, err := json.Marshal(m.Header)
		if err != nil {
			return nil, fmt.Errorf("encode header: %w", err)
		}
		header = b
	}
	parts := [4]json.RawMessage{header, orEmpty(m.Parent), orEmpty(m.Metadata), orEmpty(m.Content)}
	frames := make([][]byte, 0, len(m.Identities)+6+len(m.Buffers))
	frames = append(frames, m.Identities...)
	frames = append(frames, []byte(delimiter), c.sign(parts))
	for _, p := range parts {
		frames = append(frames, p)
	}
	return append(frames, m.Buffers...), nil
}

// Decode reads and verifies frames. The errors are ErrMalformed, ErrSignature
// and ErrReplay, wrapped; none of them names the key or a computed signature.
func (c *Codec) Decode(frames [][]byte) (Message, error) {
	at := -1
	for i, f := range frames {
		if string(f) == delimiter {
			at = i
			break
		}
	}
	if at < 0 {
		return Message{}, fmt.Errorf("%w: no %s among %d frames", ErrMalformed, delimiter, len(frames))
	}
	rest := frames[at+1:]
	if len(rest) < 5 {
		return Message{}, fmt.Errorf("%w: %d frames after the delimiter, want at least 5", ErrMalformed, len(rest))
	}
	var parts [4]json.RawMessage
	for i := range parts {
		if len(rest[i+1]) > maxJSONBytes {
			return Message{}, fmt.Errorf("%w: frame of %d bytes", ErrMalformed, len(rest[i+1]))
		}
		parts[i] = rest[i+1]
	}
	// The signature first: nothing of an unsigned message is parsed.
	if c.newMAC != nil {
		if !hmac.Equal(rest[0], c.sign(parts)) { // constant time
			return Message{}, ErrSignature
		}
		if !c.seen.add(rest[0]) {
			return Message{}, ErrReplay
		}
	}
	for i, p := range parts {
		if !isObject(p) {
			return Message{}, fmt.Errorf("%w: %s is no JSON object", ErrMalformed,
				[...]string{"header", "parent header", "metadata", "content"}[i])
		}
	}
	m := Message{
		Identities: frames[:at:at],
		RawHeader:  parts[0],
		Parent:     parts[1],
		Metadata:   parts[2],
		Content:    parts[3],
		Buffers:    rest[5:],
	}
	if err := json.Unmarshal(parts[0], &m.Header); err != nil {
		return Message{}, fmt.Errorf("%w: header: %v", ErrMalformed, err)
	}
	if m.Header.MsgType == "" {
		return Message{}, fmt.Errorf("%w: header without msg_type", ErrMalformed)
	}
	return m, nil
}

// sign gives the signature in lower-case hex, empty for an empty key.
func (c *Codec) sign(parts [4]json.RawMessage) []byte {
	if c.newMAC == nil {
		return []byte{}
	}
	mac := c.newMAC()
	for _, p := range parts {
		mac.Write(p)
	}
	sum := mac.Sum(nil)
	out := make([]byte, hex.EncodedLen(len(sum)))
	hex.Encode(out, sum)
	return out
}

func orEmpty(p json.RawMessage) json.RawMessage {
	if len(p) == 0 || bytes.Equal(p, []byte("null")) {
		return json.RawMessage("{}")
	}
	return p
}

func isObject(p []byte) bool {
	p = bytes.TrimLeft(p, " \t\r\n")
	return len(p) > 0 && p[0] == '{' && json.Valid(p)
}
