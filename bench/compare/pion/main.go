// Two peers of Debian's Pion in one process over loopback, with the arguments and the JSON of bench-peer:
// setup|dc|ping|rtp --key value …
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
)

type pair struct {
	a, b     *webrtc.PeerConnection
	ours     *webrtc.DataChannel
	theirs   *webrtc.DataChannel
	received func([]byte)
}

var values = map[string]string{}

func value(key string, missing float64) float64 {
	if number, err := strconv.ParseFloat(values[key], 64); err == nil {
		return number
	}
	return missing
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	words := os.Args[2:]
	for at := 0; at+1 < len(words); at += 2 {
		values[strings.TrimLeft(words[at], "-")] = words[at+1]
	}
	scenarios := map[string]func() map[string]float64{"setup": setup, "dc": data, "ping": ping, "rtp": packets}
	scenario := scenarios[os.Args[1]]
	if scenario == nil {
		check(fmt.Errorf("no scenario %q", os.Args[1]))
	}
	line, err := json.Marshal(scenario())
	check(err)
	fmt.Println(string(line))
}

// User and system time of this process, in seconds.
func cpu() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

func pause(seconds float64) { time.Sleep(time.Duration(seconds * float64(time.Second))) }

func connection() *webrtc.PeerConnection {
	engine := webrtc.SettingEngine{}
	engine.SetIncludeLoopbackCandidate(true)
	engine.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	media := &webrtc.MediaEngine{}
	check(media.RegisterDefaultCodecs())
	registry := &interceptor.Registry{}
	check(webrtc.RegisterDefaultInterceptors(media, registry))
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithSettingEngine(engine), webrtc.WithInterceptorRegistry(registry))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	check(err)
	return pc
}

func describe(a, b *webrtc.PeerConnection) {
	offer, err := a.CreateOffer(nil)
	check(err)
	gathered := webrtc.GatheringCompletePromise(a)
	check(a.SetLocalDescription(offer))
	<-gathered
	check(b.SetRemoteDescription(*a.LocalDescription()))
	answer, err := b.CreateAnswer(nil)
	check(err)
	gathered = webrtc.GatheringCompletePromise(b)
	check(b.SetLocalDescription(answer))
	<-gathered
	check(a.SetRemoteDescription(*b.LocalDescription()))
}

// Both ends of one open channel.
func connect() *pair {
	p := &pair{a: connection(), b: connection()}
	opened, announced := make(chan struct{}), make(chan struct{})
	p.b.OnDataChannel(func(channel *webrtc.DataChannel) {
		p.theirs = channel
		channel.OnOpen(func() { close(announced) })
	})
	var err error
	p.ours, err = p.a.CreateDataChannel("bench", nil)
	check(err)
	p.ours.OnOpen(func() { close(opened) })
	describe(p.a, p.b)
	<-opened
	<-announced
	return p
}

func (p *pair) close() {
	check(p.a.Close())
	check(p.b.Close())
}

func quantile(values []float64, part float64) float64 {
	sort.Float64s(values)
	return values[int(part*float64(len(values)-1)+0.5)]
}

func setup() map[string]float64 {
	connect().close()
	n, before := int(value("n", 50)), cpu()
	var times []float64
	for range make([]struct{}, n) {
		begun := time.Now()
		p := connect()
		times = append(times, time.Since(begun).Seconds()*1e3)
		p.close()
	}
	return map[string]float64{"ms": quantile(times, 0.5), "cpu_ms_pair": (cpu() - before) * 1e3 / float64(n)}
}

func data() map[string]float64 {
	p := connect()
	var bytes, messages atomic.Uint64
	p.theirs.OnMessage(func(message webrtc.DataChannelMessage) {
		bytes.Add(uint64(len(message.Data)))
		messages.Add(1)
	})
	// As much waits as with the others: what its examples of flow control have.
	const most, low = 1 << 20, 512 << 10
	more := make(chan struct{}, 1)
	p.ours.SetBufferedAmountLowThreshold(low)
	p.ours.OnBufferedAmountLow(func() {
		select {
		case more <- struct{}{}:
		default:
		}
	})
	message := make([]byte, int(value("size", 16384)))
	go func() {
		for p.ours.Send(message) == nil {
			if p.ours.BufferedAmount() > most {
				<-more
			}
		}
	}()
	pause(value("warm", 1))
	before, begun := cpu(), time.Now()
	firstBytes, firstMessages := bytes.Load(), messages.Load()
	pause(value("secs", 10))
	took, used := time.Since(begun).Seconds(), cpu()-before
	got, count := float64(bytes.Load()-firstBytes), float64(messages.Load()-firstMessages)
	return map[string]float64{
		"mb_s": got / 1e6 / took, "msgs_s": count / took,
		"cpu_s_gb": used / (got / 1e9), "cpu_us_msg": used * 1e6 / count,
	}
}

func ping() map[string]float64 {
	p := connect()
	p.theirs.OnMessage(func(message webrtc.DataChannelMessage) { check(p.theirs.Send(message.Data)) })
	back := make(chan struct{}, 1)
	p.ours.OnMessage(func(webrtc.DataChannelMessage) { back <- struct{}{} })
	n := int(value("n", 5000))
	var times []float64
	message := make([]byte, 64)
	for number := 0; number < n+n/10; number++ {
		begun := time.Now()
		check(p.ours.Send(message))
		<-back
		if number >= n/10 {
			times = append(times, time.Since(begun).Seconds()*1e6)
		}
	}
	return map[string]float64{"p50_us": quantile(times, 0.5), "p99_us": quantile(times, 0.99)}
}

func packets() map[string]float64 {
	a, b := connection(), connection()
	codec := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
	track, err := webrtc.NewTrackLocalStaticRTP(codec, "video", "bench")
	check(err)
	_, err = a.AddTrack(track)
	check(err)
	var received atomic.Uint64
	came := make(chan struct{})
	b.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		close(came)
		buffer := make([]byte, 1500)
		for {
			if _, _, err := remote.Read(buffer); err != nil {
				return
			}
			received.Add(1)
		}
	})
	describe(a, b)
	for a.ConnectionState() != webrtc.PeerConnectionStateConnected {
		pause(0.001)
	}
	var sent atomic.Uint64
	pps := value("pps", 0)
	go func() {
		payload := make([]byte, 1200)
		copy(payload, []byte{0x10, 2, 0, 0x9d, 1, 0x2a, 64, 1, 180, 0})
		packet := &rtp.Packet{Header: rtp.Header{Version: 2, Marker: true}, Payload: payload}
		begun := time.Now()
		for number := uint64(0); ; number++ {
			for pps > 0 && float64(number) > time.Since(begun).Seconds()*pps {
				pause(0.0005)
			}
			packet.SequenceNumber = uint16(number)
			packet.Timestamp = uint32(number) * 90
			check(track.WriteRTP(packet))
			sent.Add(1)
		}
	}()
	<-came
	pause(value("warm", 1))
	before, begun := cpu(), time.Now()
	firstSent, first := sent.Load(), received.Load()
	pause(value("secs", 10))
	took, used := time.Since(begun).Seconds(), cpu()-before
	out, in := float64(sent.Load()-firstSent), float64(received.Load()-first)
	return map[string]float64{
		"recv_pps": in / took, "loss_pct": 100 * (out - in) / out, "cpu_s_mpkt": used / (in / 1e6),
	}
}
