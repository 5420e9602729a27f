package frames

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestRoundTrip(t *testing.T) {
	want := []Frame{
		{Execute, 1, []byte(`{"source":"1+1"}`)},
		{Output, 7, []byte{0, 0xff, 0xfe}},
		{Done, 1<<32 - 1, nil},
		{Show, 2, bytes.Repeat([]byte("x"), 2<<20)},
		{Ready, 0, nil},
	}
	var stream bytes.Buffer
	w := NewWriter(&stream)
	for _, f := range want {
		if err := w.Write(f.Kind, f.Number, f.Body); err != nil {
			t.Fatal(err)
		}
	}
	for name, in := range map[string]io.Reader{
		"whole":    bytes.NewReader(stream.Bytes()),
		"bytewise": iotest.OneByteReader(bytes.NewReader(stream.Bytes())),
		"dataErr":  iotest.DataErrReader(bytes.NewReader(stream.Bytes())),
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(in)
			for i, f := range want {
				got, err := r.Read()
				if err != nil {
					t.Fatalf("frame %d: %v", i, err)
				}
				if got.Kind != f.Kind || got.Number != f.Number || !bytes.Equal(got.Body, f.Body) {
					t.Fatalf("frame %d: kind %d number %d, %d bytes", i, got.Kind, got.Number, len(got.Body))
				}
			}
			if _, err := r.Read(); !errors.Is(err, io.EOF) {
				t.Errorf("at the end: %v, want EOF", err)
			}
		})
	}
}

func TestReaderRefuses(t *testing.T) {
	length := func(n uint32, rest ...byte) []byte {
		return append(binary.BigEndian.AppendUint32(nil, n), rest...)
	}
	for name, c := range map[string]struct {
		in   []byte
		want error
	}{
		"2 GB":      {length(2<<30, 1, 2, 3), ErrTooLarge},
		"just over": {length(MaxBody+6, 1), ErrTooLarge},
		"short":     {length(4, 1, 2, 3, 4), ErrShort},
		"cut":       {Append(nil, Done, 1, []byte("{}"))[:8], io.ErrUnexpectedEOF},
		"cut head":  {[]byte{0, 0}, io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(bytes.NewReader(c.in))
			if _, err := r.Read(); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestWriterRefusesTooLarge(t *testing.T) {
	var stream bytes.Buffer
	w := NewWriter(&stream)
	if err := w.Write(Show, 1, make([]byte, MaxBody+1)); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("got %v", err)
	}
	if stream.Len() != 0 {
		t.Errorf("%d bytes were written", stream.Len())
	}
}

func TestWriterKeepsFramesWhole(t *testing.T) {
	pr, pw := io.Pipe()
	w := NewWriter(pw)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for range 50 {
				_ = w.Write(Output, uint32(n), bytes.Repeat([]byte{byte(n)}, 100+n))
			}
		})
	}
	go func() { wg.Wait(); _ = pw.Close() }()
	r := NewReader(pr)
	seen := map[uint32]int{}
	for {
		f, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(f.Body, bytes.Repeat([]byte{byte(f.Number)}, 100+int(f.Number))) {
			t.Fatal("frames are mixed")
		}
		seen[f.Number]++
	}
	want := map[uint32]int{0: 50, 1: 50, 2: 50, 3: 50, 4: 50, 5: 50, 6: 50, 7: 50}
	if d := cmp.Diff(want, seen); d != "" {
		t.Error(d)
	}
}

// FuzzDecoder feeds anything, cut anywhere: it must not panic, must not hold
// more than it was given, and must give back what Append makes of its frames.
func FuzzDecoder(f *testing.F) {
	f.Add(Append(nil, Execute, 3, []byte(`{"source":"x"}`)), 5)
	f.Add(Append(Append(nil, Ready, 0, nil), Done, 9, []byte("{}")), 1)
	f.Add([]byte{0x7f, 0xff, 0xff, 0xff, 1}, 2)
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0}, 3)
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		if cut < 1 {
			cut = 1
		}
		var d Decoder
		var again []byte
		rest := stream
		for len(rest) > 0 {
			n := min(cut, len(rest))
			d.Feed(rest[:n])
			rest = rest[n:]
			for {
				fr, ok, err := d.Next()
				if err != nil {
					if _, _, err2 := d.Next(); err2 == nil {
						t.Fatal("recovered from a lost stream")
					}
					if !bytes.HasPrefix(stream, again) {
						t.Fatal("frames before the error differ from the stream")
					}
					return
				}
				if !ok {
					break
				}
				again = Append(again, fr.Kind, fr.Number, fr.Body)
			}
		}
		if !bytes.Equal(append(again, d.buf...), stream) {
			t.Fatal("frames and remainder differ from the stream")
		}
	})
}
