package lab

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

type echoOrder struct {
	Way   string `json:"way"`
	Bytes int    `json:"bytes"`
}

// Ways between processes; shared memory keeps its turn by futex.
const (
	byPipe   = "pipe"
	bySocket = "socket pair"
	byShared = "shared memory"
)

// echoer is a process that gives back each small message, and takes large ones.
type echoer struct {
	way  string
	sub  *sub
	r, w *os.File
}

// runIPC is T4: the way between processes beside the way between goroutines
// and threads of one process.
func runIPC(b *bench, p IPCParams) error {
	samples, rounds, size := max(10, defaulted(p.Samples, 12)), defaulted(p.Rounds, 500), defaulted(p.Bytes, 64<<10)
	if rounds < 1 || rounds > 1_000_000 || size < 1 || size > 16<<20 {
		return fmt.Errorf("rounds %d or bytes %d out of range", rounds, size)
	}
	return forward(b, "measure ipc", IPCParams{Samples: samples, Rounds: rounds, Bytes: size})
}

func measureIPC(b *bench, p IPCParams) error {
	quiet()
	cpu := usableCPUs()[0]
	if err := pinProcess(cpu); err != nil {
		return err
	}
	var ways []echoer
	for _, way := range []string{byPipe, bySocket} {
		e, err := newEchoer(way, p.Bytes)
		if err != nil {
			return err
		}
		defer e.sub.kill()
		defer e.r.Close()
		defer e.w.Close()
		ways = append(ways, e)
	}
	pr := pair{by: "futex", leadOn: cpu, other: cpu}
	partner, err := newTurnPartner(pr)
	if err != nil {
		return err
	}
	defer partner.stop()
	runtime.GOMAXPROCS(max(4, runtime.GOMAXPROCS(0)))
	latency, transfer := map[string][]float64{}, map[string][]float64{}
	msg := make([]byte, p.Bytes)
	for round := range p.Samples + 1 {
		put := func(m map[string][]float64, name string, d time.Duration, n int) {
			if round > 0 {
				m[name] = append(m[name], perUnit(d, n))
			}
		}
		for _, e := range ways {
			d, err := e.echo(p.Rounds)
			if err != nil {
				return fmt.Errorf("by %s: %w", e.way, err)
			}
			put(latency, "processes, "+e.way, d, p.Rounds)
			if d, err = e.transfer(msg, 20); err != nil {
				return fmt.Errorf("by %s: %w", e.way, err)
			}
			put(transfer, "processes, "+e.way, d, 20)
		}
		t, err := processTurns(partner, pr, max(10, p.Rounds/2))
		if err != nil {
			return err
		}
		put(latency, "processes, "+byShared, t.elapsed, t.rounds)
		if t, err = threadTurns(pr, max(10, p.Rounds/2)); err != nil {
			return err
		}
		put(latency, "threads, shared variable and futex", t.elapsed, t.rounds)
		put(latency, "goroutines, channel", channelTurns(p.Rounds), p.Rounds)
		put(latency, "goroutines, mutex", mutexTurns(p.Rounds), p.Rounds)
		put(transfer, "goroutines, copy through a channel", channelCopies(msg, 20), 20)
		put(transfer, "goroutines, pointer through a channel", channelPointers(msg, 20), 20)
		b.progress(round+1, p.Samples+1, "round %d", round)
	}
	for _, n := range []struct{ id, name string }{
		{"pipe", "processes, " + byPipe},
		{"socketpair", "processes, " + bySocket},
		{"shm", "processes, " + byShared},
		{"thread", "threads, shared variable and futex"},
		{"channel", "goroutines, channel"},
		{"mutex", "goroutines, mutex"},
	} {
		b.add("ipc/"+n.id, "a message there and back", n.name, "ns", latency[n.name]...).Warmup = 1
	}
	for _, n := range []struct{ id, name string }{
		{"pipe", "processes, " + byPipe},
		{"socketpair", "processes, " + bySocket},
		{"copy", "goroutines, copy through a channel"},
		{"pointer", "goroutines, pointer through a channel"},
	} {
		b.add("transfer/"+n.id, "handing over "+format(float64(p.Bytes), "B"), n.name, "ns", transfer[n.name]...).Warmup = 1
	}
	b.note("Everything is bound to CPU %d, so that no way is slowed down by waking another one.", cpu)
	return nil
}

func newEchoer(way string, bytes int) (echoer, error) {
	e := echoer{way: way}
	var theirR, theirW *os.File
	if way == bySocket {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return e, err
		}
		e.r, theirR = os.NewFile(uintptr(fds[0]), way), os.NewFile(uintptr(fds[1]), way)
		e.w, theirW = e.r, theirR
	} else {
		var there, back [2]int
		if err := unix.Pipe2(there[:], unix.O_CLOEXEC); err != nil {
			return e, err
		}
		if err := unix.Pipe2(back[:], unix.O_CLOEXEC); err != nil {
			return e, err
		}
		e.r, theirW = os.NewFile(uintptr(back[0]), way), os.NewFile(uintptr(back[1]), way)
		theirR, e.w = os.NewFile(uintptr(there[0]), way), os.NewFile(uintptr(there[1]), way)
	}
	s, err := launch("echo", echoOrder{way, bytes}, launchOptions{extra: []*os.File{theirR, theirW}})
	theirR.Close()
	theirW.Close()
	if err != nil {
		return e, err
	}
	e.sub = s
	return e, s.recv(nil)
}

// echo sends one byte there and back.
func (e echoer) echo(rounds int) (time.Duration, error) {
	one := []byte{1}
	began := time.Now()
	for range rounds {
		if _, err := e.w.Write(one); err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(e.r, one); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

// transfer sends msg, begun with a 2, n times, and waits for a byte each time.
func (e echoer) transfer(msg []byte, n int) (time.Duration, error) {
	began := time.Now()
	for range n {
		msg[0] = 2
		if _, err := e.w.Write(msg); err != nil {
			return 0, err
		}
		var one [1]byte
		if _, err := io.ReadFull(e.r, one[:]); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

// playEcho gives back a 1; after a 2 it takes the rest of a large message.
func playEcho(p *peer) error {
	var o echoOrder
	if err := p.arg(&o); err != nil {
		return err
	}
	r, w := os.NewFile(fdExtra, "r"), os.NewFile(fdExtra+1, "w")
	rest := make([]byte, o.Bytes-1)
	one := make([]byte, 1)
	quiet()
	if err := p.send("ready"); err != nil {
		return err
	}
	for {
		if _, err := io.ReadFull(r, one); err != nil {
			return nil // the other side is done
		}
		if one[0] == 2 {
			if _, err := io.ReadFull(r, rest); err != nil {
				return nil
			}
		}
		if _, err := w.Write(one); err != nil {
			return nil
		}
	}
}

// channelCopies hands over n copies of msg, and waits for a sign each time.
func channelCopies(msg []byte, n int) time.Duration {
	there, back := make(chan []byte), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		mine := make([]byte, len(msg))
		for m := range there {
			copy(mine, m)
			sink.Add(uint64(mine[0]))
			back <- struct{}{}
		}
	})
	began := time.Now()
	for range n {
		there <- msg
		<-back
	}
	d := time.Since(began)
	close(there)
	wg.Wait()
	return d
}

// channelPointers hands over msg itself.
func channelPointers(msg []byte, n int) time.Duration {
	there, back := make(chan []byte), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for m := range there {
			sink.Add(uint64(m[0]))
			back <- struct{}{}
		}
	})
	began := time.Now()
	for range n {
		there <- msg
		<-back
	}
	d := time.Since(began)
	close(there)
	wg.Wait()
	return d
}
