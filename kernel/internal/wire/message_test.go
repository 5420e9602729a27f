package wire_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spindle/kernel/internal/wire"
)

var tcp = wire.Connection{
	Transport: "tcp", IP: "127.0.0.1", ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HBPort: 5,
	Key: "a0436f6c-1916-498b-8eb9-e81ab9368e84", SignatureScheme: "hmac-sha256",
}

func codec(t testing.TB, c wire.Connection) *wire.Codec {
	t.Helper()
	codec, err := wire.NewCodec(c)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// signed gives the frames of a message as another implementation would sign it.
func signed(key string, parts ...string) [][]byte {
	mac := hmac.New(sha256.New, []byte(key))
	frames := [][]byte{[]byte("id"), []byte("<IDS|MSG>"), nil}
	for _, p := range parts {
		mac.Write([]byte(p))
		frames = append(frames, []byte(p))
	}
	frames[2] = []byte(hex.EncodeToString(mac.Sum(nil)))
	return frames
}

func TestRoundTrip(t *testing.T) {
	for _, scheme := range []string{"hmac-sha256", "hmac-sha384", "hmac-sha512", ""} {
		c := tcp
		c.SignatureScheme = scheme
		m := wire.Message{
			Identities: [][]byte{[]byte("one"), {}, []byte("two")},
			Header:     wire.NewHeader("s", "execute_request"),
			Parent:     json.RawMessage(`{"msg_id":"p","odd":1}`),
			Content:    json.RawMessage(`{"code":"1 + 1"}`),
			Buffers:    [][]byte{{0, 1, 2}, {}},
		}
		frames, err := codec(t, c).Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := codec(t, c).Decode(frames)
		if err != nil {
			t.Fatal(err)
		}
		m.Metadata, m.RawHeader = json.RawMessage("{}"), got.RawHeader
		if diff := cmp.Diff(m, got); diff != "" {
			t.Error(diff)
		}
		if got.ParentHeader().MsgID != "p" {
			t.Errorf("parent %+v", got.ParentHeader())
		}
		if d := time.Since(got.Header.Time()); d < 0 || d > time.Minute {
			t.Errorf("date %q", got.Header.Date)
		}
	}
}

// A message of jupyter_client's Session, signed by Python's hmac.
func TestDecodeOfPython(t *testing.T) {
	frames := [][]byte{
		[]byte("<IDS|MSG>"),
		[]byte("c0de"),
		[]byte(`{"msg_id": "1", "msg_type": "kernel_info_request", "username": "u", "session": "s", "date": "2026-11-24T11:00:00.123456Z", "version": "5.4"}`),
		[]byte(`{}`), []byte(`{}`), []byte(`{}`),
	}
	// python3 -c "import hmac,hashlib;print(hmac.new(b'key', b''.join(frames), hashlib.sha256).hexdigest())"
	frames[1] = signed("key", string(frames[2]), "{}", "{}", "{}")[2]
	c := tcp
	c.Key = "key"
	m, err := codec(t, c).Decode(frames)
	if err != nil || m.Header.MsgType != "kernel_info_request" || m.Header.Time().Nanosecond() != 123456000 {
		t.Errorf("%+v %v", m.Header, err)
	}
}

func TestEmptyIsNeverNull(t *testing.T) {
	frames, err := codec(t, tcp).Encode(wire.Message{Header: wire.NewHeader("s", "status"), Parent: json.RawMessage("null")})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range frames[3:] {
		if string(f) != "{}" {
			t.Errorf("frame %d: %s", i+3, f)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	head := `{"msg_id":"1","msg_type":"t"}`
	good := func() [][]byte { return signed(tcp.Key, head, "{}", "{}", "{}") }
	for _, c := range []struct {
		name   string
		frames [][]byte
		want   error
	}{
		{"nothing", nil, wire.ErrMalformed},
		{"no delimiter", [][]byte{[]byte("a"), []byte("b")}, wire.ErrMalformed},
		{"too few frames", good()[:6], wire.ErrMalformed},
		{"signature of another key", signed("other", head, "{}", "{}", "{}"), wire.ErrSignature},
		{"no signature", func() [][]byte { f := good(); f[2] = nil; return f }(), wire.ErrSignature},
		{"signature cut", func() [][]byte { f := good(); f[2] = f[2][:63]; return f }(), wire.ErrSignature},
		{"signature in upper case", func() [][]byte { f := good(); f[2] = bytes.ToUpper(f[2]); return f }(), wire.ErrSignature},
		{"content changed", func() [][]byte { f := good(); f[6] = []byte(`{"a":1}`); return f }(), wire.ErrSignature},
		{"header no JSON", signed(tcp.Key, "{", "{}", "{}", "{}"), wire.ErrMalformed},
		{"header an array", signed(tcp.Key, "[]", "{}", "{}", "{}"), wire.ErrMalformed},
		{"header of wrong types", signed(tcp.Key, `{"msg_type":7}`, "{}", "{}", "{}"), wire.ErrMalformed},
		{"no type", signed(tcp.Key, `{"msg_id":"1"}`, "{}", "{}", "{}"), wire.ErrMalformed},
		{"content null", signed(tcp.Key, head, "{}", "{}", "null"), wire.ErrMalformed},
		{"content two objects", signed(tcp.Key, head, "{}", "{}", "{}{}"), wire.ErrMalformed},
		{"empty frames", signed(tcp.Key, "", "", "", ""), wire.ErrMalformed},
		{"good", good(), nil},
	} {
		_, err := codec(t, tcp).Decode(c.frames)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), tcp.Key) {
			t.Errorf("%s: the error has the key", c.name)
		}
	}
}

func TestReplay(t *testing.T) {
	c := codec(t, tcp)
	frames := signed(tcp.Key, `{"msg_id":"1","msg_type":"shutdown_request"}`, "{}", "{}", "{}")
	if _, err := c.Decode(frames); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Decode(frames); !errors.Is(err, wire.ErrReplay) {
		t.Errorf("second time: %v", err)
	}
	// What has no good signature leaves no trace, however much there is of it.
	for range 1 << 17 {
		_, _ = c.Decode(signed("other", `{"msg_id":"1","msg_type":"x"}`, "{}", "{}", "{}"))
	}
	if _, err := c.Decode(frames); !errors.Is(err, wire.ErrReplay) {
		t.Errorf("after a flood: %v", err)
	}
}

func TestWithoutKey(t *testing.T) {
	c := tcp
	c.Key = ""
	frames, err := codec(t, c).Encode(wire.Message{Header: wire.NewHeader("s", "status")})
	if err != nil || len(frames[1]) != 0 {
		t.Errorf("signature %q, %v", frames[1], err)
	}
	for range 2 {
		if _, err := codec(t, c).Decode(frames); err != nil {
			t.Error(err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	add := func(frames [][]byte) { f.Add(bytes.Join(frames, []byte{0xff})) }
	add(signed("", `{"msg_id":"1","msg_type":"execute_request","date":"2026-11-24T11:00:00Z"}`, "{}", `{"a":[1]}`, `{"code":"é"}`))
	add(signed("", `{"msg_type":7}`, "null", "[]", "{"))
	add([][]byte{[]byte("<IDS|MSG>"), {}, {}, {}, {}, {}})
	add([][]byte{[]byte("<IDS|MSG>"), []byte("<IDS|MSG>"), []byte("s"), []byte(`{"msg_type":"x"}`), []byte("{}"), []byte("{}"), []byte("{}"), []byte("buffer")})
	c := tcp
	c.Key = "" // so that the parsing behind the signature is reached
	f.Fuzz(func(t *testing.T, b []byte) {
		codec := codec(t, c)
		m, err := codec.Decode(bytes.Split(b, []byte{0xff}))
		if err != nil {
			if !errors.Is(err, wire.ErrMalformed) {
				t.Errorf("%v", err)
			}
			return
		}
		frames, err := codec.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := codec.Decode(frames)
		if err != nil {
			t.Fatal(err)
		}
		m.Header.Time()
		if diff := cmp.Diff(m, again); diff != "" {
			t.Error(diff)
		}
	})
}
