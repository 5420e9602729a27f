package wire

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strconv"
	"strings"
)

// maxConnectionFileBytes bounds what is read as a connection file.
const maxConnectionFileBytes = 64 << 10

// Connection is a connection file: where the five sockets are, and the key.
type Connection struct {
	Transport       string `json:"transport"` // "tcp" or "ipc"
	IP              string `json:"ip"`        // host; for ipc a path prefix
	ShellPort       int    `json:"shell_port"`
	IOPubPort       int    `json:"iopub_port"`
	StdinPort       int    `json:"stdin_port"`
	ControlPort     int    `json:"control_port"`
	HBPort          int    `json:"hb_port"`
	Key             string `json:"key"`
	SignatureScheme string `json:"signature_scheme"`
	KernelName      string `json:"kernel_name,omitempty"`
}

// String leaves the key out: it must be in no log.
func (c Connection) String() string {
	return fmt.Sprintf("%s://%s shell=%d iopub=%d stdin=%d control=%d hb=%d",
		c.Transport, c.IP, c.ShellPort, c.IOPubPort, c.StdinPort, c.ControlPort, c.HBPort)
}

// GoString is String, so that %#v keeps the key out too.
func (c Connection) GoString() string { return "wire.Connection(" + c.String() + ")" }

// Endpoint is the ZeroMQ endpoint of a port: tcp://127.0.0.1:5555, or
// ipc://prefix-1, the form that jupyter_client uses.
func (c Connection) Endpoint(port int) string {
	if c.Transport == "ipc" {
		return "ipc://" + c.IP + "-" + strconv.Itoa(port)
	}
	host := c.IP
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return "tcp://" + host + ":" + strconv.Itoa(port)
}

func (c Connection) scheme() (func() hash.Hash, error) {
	switch c.SignatureScheme {
	case "", "hmac-sha256":
		return sha256.New, nil
	case "hmac-sha384":
		return sha512.New384, nil
	case "hmac-sha512":
		return sha512.New, nil
	}
	return nil, fmt.Errorf("signature scheme %q is not known (hmac-sha256, hmac-sha384 and hmac-sha512 are)", c.SignatureScheme)
}

// ReadConnection reads and checks the connection file at path.
func ReadConnection(path string) (Connection, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return Connection{}, fmt.Errorf("connection file %s does not exist: %w", path, err)
		}
		return Connection{}, fmt.Errorf("open connection file: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxConnectionFileBytes+1))
	if err != nil {
		return Connection{}, fmt.Errorf("read connection file %s: %w", path, err)
	}
	c, err := ParseConnection(b)
	if err != nil {
		return Connection{}, fmt.Errorf("connection file %s: %w", path, err)
	}
	return c, nil
}

// ParseConnection reads the content of a connection file. Its errors say what
// is wrong with the file; none repeats the key.
func ParseConnection(b []byte) (Connection, error) {
	if len(b) > maxConnectionFileBytes {
		return Connection{}, fmt.Errorf("larger than %d bytes: not a connection file", maxConnectionFileBytes)
	}
	if len(strings.TrimSpace(string(b))) == 0 {
		return Connection{}, errors.New("empty: whoever wrote it has not finished, or failed")
	}
	var raw struct {
		Connection
		RegistrationPort *int            `json:"registration_port"`
		ProtocolVersion  json.RawMessage `json:"kernel_protocol_version"`
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return Connection{}, jsonError(b, err)
	}
	if raw.RegistrationPort != nil && raw.ShellPort == 0 {
		return Connection{}, fmt.Errorf("of another version: it asks for the handshake of JEP 66 (registration_port), this kernel speaks protocol %s and needs the five ports", ProtocolVersion)
	}
	if v := strings.Trim(string(raw.ProtocolVersion), `"`); v != "" && v != "null" {
		major, _, _ := strings.Cut(v, ".")
		if major != "5" {
			return Connection{}, fmt.Errorf("of another version: protocol %.20s, this kernel speaks %s", v, ProtocolVersion)
		}
	}
	c := raw.Connection
	if err := c.check(); err != nil {
		return Connection{}, err
	}
	return c, nil
}

// check says what is missing or impossible.
func (c *Connection) check() error {
	if c.Transport == "" {
		c.Transport = "tcp"
	}
	if c.SignatureScheme == "" {
		c.SignatureScheme = "hmac-sha256"
	}
	switch c.Transport {
	case "tcp", "ipc":
	default:
		return fmt.Errorf("transport %.40q is not known (tcp and ipc are)", c.Transport)
	}
	if c.IP == "" {
		return errors.New(`"ip" is missing`)
	}
	if strings.ContainsAny(c.IP, "\x00\n") {
		return errors.New(`"ip" is not an address`)
	}
	if _, err := c.scheme(); err != nil {
		return err
	}
	used := map[int]string{}
	for _, p := range c.ports() {
		switch {
		case *p.port == 0:
			return fmt.Errorf("%q is missing", p.name)
		case *p.port < 0 || *p.port > 65535:
			return fmt.Errorf("%q is %d, which is no port", p.name, *p.port)
		}
		if other, dup := used[*p.port]; dup {
			return fmt.Errorf("%q and %q are both %d", other, p.name, *p.port)
		}
		used[*p.port] = p.name
	}
	return nil
}

type namedPort struct {
	name string
	port *int
}

func (c *Connection) ports() []namedPort {
	return []namedPort{
		{"shell_port", &c.ShellPort},
		{"iopub_port", &c.IOPubPort},
		{"stdin_port", &c.StdinPort},
		{"control_port", &c.ControlPort},
		{"hb_port", &c.HBPort},
	}
}

// jsonError says where a file that is no JSON stops being it.
func jsonError(b []byte, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		if int(syntax.Offset) >= len(b) {
			return fmt.Errorf("truncated: it ends after %d bytes, in the middle of its JSON", len(b))
		}
		return fmt.Errorf("no JSON: %v at byte %d", err, syntax.Offset)
	}
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) {
		if typ.Field == "" {
			return fmt.Errorf("not a connection file: a JSON %s where an object is expected", typ.Value)
		}
		return fmt.Errorf("%q is a JSON %s, want %s", strings.TrimPrefix(typ.Field, "Connection."), typ.Value, typ.Type)
	}
	return fmt.Errorf("no JSON: %w", err)
}

// WriteConnection writes c to a new file at path that only its owner can read
// (0600): the key in it allows running code as that user.
func WriteConnection(path string, c Connection) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("encode connection: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("create connection file: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(path)
		return fmt.Errorf("write connection file: %w", err)
	}
	return nil
}

// NewKey makes a signing key of 256 random bits, in hex.
func NewKey() string {
	var b [32]byte
	rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}
