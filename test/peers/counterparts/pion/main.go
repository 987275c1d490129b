// Pion, as Debian has it: built without modules, from /usr/share/gocode.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"os"
	"sync"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
	"github.com/pion/webrtc/v3/pkg/media"
)

const message = 16384

// A line that the test tells: see test/peers/src/process.rs.
type line struct {
	Do          string
	Media       []string
	Kinds       []string
	Rids        []string
	Channel     string
	Restart     bool
	Label       string
	Text        string
	Count       int
	Seed        int
	Bytes       int
	Description *webrtc.SessionDescription
	Candidate   *webrtc.ICECandidateInit
}

// What came on a channel since the last report, and how much is awaited.
type tally struct {
	label    string
	count    int
	hash     hash.Hash
	expected int
}

type peer struct {
	pc       *webrtc.PeerConnection
	lock     sync.Mutex
	channels map[string]*webrtc.DataChannel
	tallies  map[string]*tally
	// What is to be sent with the next offer or answer, if anything is.
	playing *line
	// Candidates of a description that was not told yet wait for it.
	telling bool
	waiting []webrtc.ICECandidateInit
}

// Set by the linker.
var version = "unknown"

var output sync.Mutex

func say(key string, value any) {
	text, err := json.Marshal(map[string]any{key: value})
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	fmt.Println(string(text))
}

func (t *tally) restart() {
	t.count, t.hash, t.expected = 0, sha256.New(), -1
}

func (t *tally) report() {
	if t.expected < 0 || t.count < t.expected {
		return
	}
	say("received", map[string]any{
		"label": t.label, "bytes": t.count, "sha256": hex.EncodeToString(t.hash.Sum(nil)),
	})
	t.restart()
}

// Called with the lock held.
func (p *peer) tally(label string) *tally {
	if p.tallies[label] == nil {
		p.tallies[label] = &tally{label: label}
		p.tallies[label].restart()
	}
	return p.tallies[label]
}

func (p *peer) adopt(channel *webrtc.DataChannel) {
	label := channel.Label()
	p.lock.Lock()
	p.channels[label] = channel
	p.lock.Unlock()
	channel.OnMessage(func(m webrtc.DataChannelMessage) {
		p.lock.Lock()
		defer p.lock.Unlock()
		t := p.tally(label)
		t.count += len(m.Data)
		t.hash.Write(m.Data)
		t.report()
	})
	channel.OnClose(func() { say("closed", label) })
	channel.OnOpen(func() { say("open", label) })
}

func (p *peer) open(label string) error {
	channel, err := p.pc.CreateDataChannel(label, nil)
	if err == nil {
		p.adopt(channel)
	}
	return err
}

func (p *peer) setLocal(description webrtc.SessionDescription) error {
	p.lock.Lock()
	p.telling = true
	p.lock.Unlock()
	err := p.pc.SetLocalDescription(description)
	if err == nil {
		say("description", p.pc.LocalDescription())
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	for _, candidate := range p.waiting {
		say("candidate", candidate)
	}
	p.telling, p.waiting = false, nil
	return err
}

func (p *peer) candidate(candidate *webrtc.ICECandidate) {
	if candidate == nil {
		return
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.telling {
		p.waiting = append(p.waiting, candidate.ToJSON())
	} else {
		say("candidate", candidate.ToJSON())
	}
}

var codecs = map[string]webrtc.RTPCodecCapability{
	"audio": {MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2},
	"video": {MimeType: webrtc.MimeTypeVP8, ClockRate: 90000},
}

// It has no codecs: what it sends and counts are packets.
func (p *peer) addTracks() error {
	l := p.playing
	p.playing = nil
	if l == nil {
		return nil
	}
	for _, kind := range l.Kinds {
		if len(l.Rids) > 0 {
			if err := p.addLayers(l.Rids); err != nil {
				return err
			}
			continue
		}
		track, err := webrtc.NewTrackLocalStaticSample(codecs[kind], kind, "counterpart")
		if err != nil {
			return err
		}
		if _, err := p.pc.AddTrack(track); err != nil {
			return err
		}
		go play(kind, func(number int, payload []byte, pause time.Duration) error {
			return track.WriteSample(media.Sample{Data: payload, Duration: pause})
		})
	}
	return nil
}

// Layers of one track; who sends them writes the extensions that name them (RFC 8852).
func (p *peer) addLayers(rids []string) error {
	var sender *webrtc.RTPSender
	for at, rid := range rids {
		track, err := webrtc.NewTrackLocalStaticRTP(codecs["video"], "video", "counterpart", webrtc.WithRTPStreamID(rid))
		if err != nil {
			return err
		}
		if at == 0 {
			transceiver, err := p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{
				Direction: webrtc.RTPTransceiverDirectionSendonly,
			})
			if err != nil {
				return err
			}
			sender = transceiver.Sender()
		} else if err := sender.AddEncoding(track); err != nil {
			return err
		}
		go play("video", func(number int, payload []byte, pause time.Duration) error {
			return p.writeLayer(sender, track, number, payload)
		})
	}
	return nil
}

func (p *peer) writeLayer(sender *webrtc.RTPSender, track *webrtc.TrackLocalStaticRTP, number int, payload []byte) error {
	header := rtp.Header{
		Version: 2, Marker: true, SequenceNumber: uint16(number), Timestamp: uint32(number * 4500),
	}
	for _, transceiver := range p.pc.GetTransceivers() {
		if transceiver.Sender() != sender {
			continue
		}
		values := map[string]string{
			"urn:ietf:params:rtp-hdrext:sdes:mid":           transceiver.Mid(),
			"urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id": track.RID(),
		}
		for _, extension := range sender.GetParameters().HeaderExtensions {
			if value := values[extension.URI]; value != "" {
				if err := header.SetExtension(uint8(extension.ID), []byte(value)); err != nil {
					return err
				}
			}
		}
	}
	// RFC 7741 §4.2: the descriptor of a picture in one packet.
	return track.WriteRTP(&rtp.Packet{Header: header, Payload: append([]byte{0x10}, payload...)})
}

// Silence in Opus, or what is a picture of VP8 by its header (RFC 6386 §9.1), until the end.
func play(kind string, write func(number int, payload []byte, pause time.Duration) error) {
	payload, pause := []byte{0xf8, 0xff, 0xfe}, 20*time.Millisecond
	if kind == "video" {
		pause = 50 * time.Millisecond
		payload = append([]byte{0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00}, make([]byte, 700)...)
	}
	for number := 0; ; number++ {
		time.Sleep(pause)
		if write(number, payload, pause) != nil {
			return
		}
	}
}

func count(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	for number := 1; ; number++ {
		if _, _, err := track.ReadRTP(); err != nil {
			return
		}
		if number%10 == 0 {
			say("counted", map[string]any{
				"kind": track.Kind().String(), "rid": track.RID(), "count": number, "unit": "packets",
			})
		}
	}
}

func (p *peer) offer(l line) error {
	if len(l.Media) > 0 {
		if err := p.addTracks(); err != nil {
			return err
		}
	}
	if l.Channel != "" {
		if err := p.open(l.Channel); err != nil {
			return err
		}
	}
	offer, err := p.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: l.Restart})
	if err != nil {
		return err
	}
	return p.setLocal(offer)
}

func (p *peer) description(description webrtc.SessionDescription) error {
	err := p.pc.SetRemoteDescription(description)
	if err != nil || description.Type != webrtc.SDPTypeOffer {
		return err
	}
	if err := p.addTracks(); err != nil {
		return err
	}
	answer, err := p.pc.CreateAnswer(nil)
	if err != nil {
		return err
	}
	return p.setLocal(answer)
}

func send(channel *webrtc.DataChannel, count, seed int) error {
	all := make([]byte, count)
	for i := range all {
		all[i] = byte((31*i + seed) % 251)
	}
	for len(all) > 0 {
		size := message
		if size > len(all) {
			size = len(all)
		}
		if err := channel.Send(all[:size]); err != nil {
			return err
		}
		all = all[size:]
	}
	return nil
}

func (p *peer) obey(l line) error {
	p.lock.Lock()
	channel := p.channels[l.Label]
	p.lock.Unlock()
	switch {
	case l.Description != nil:
		return p.description(*l.Description)
	case l.Candidate != nil && l.Candidate.Candidate == "":
		return nil
	case l.Candidate != nil:
		return p.pc.AddICECandidate(*l.Candidate)
	case l.Do == "offer":
		return p.offer(l)
	case l.Do == "play":
		p.playing = &l
		return nil
	case l.Do == "channel":
		return p.open(l.Label)
	case l.Do == "text":
		return channel.SendText(l.Text)
	case l.Do == "bytes":
		return send(channel, l.Count, l.Seed)
	case l.Do == "expect":
		p.lock.Lock()
		defer p.lock.Unlock()
		t := p.tally(l.Label)
		t.expected = l.Bytes
		t.report()
		return nil
	case l.Do == "close":
		return channel.Close()
	case l.Do == "end":
		return p.pc.Close()
	}
	return fmt.Errorf("unknown line %+v", l)
}

// With what simulcast needs, which is not on by default.
func connection() (*webrtc.PeerConnection, error) {
	engine := &webrtc.MediaEngine{}
	if err := engine.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	for _, uri := range []string{
		"urn:ietf:params:rtp-hdrext:sdes:mid",
		"urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
		"urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
	} {
		extension := webrtc.RTPHeaderExtensionCapability{URI: uri}
		if err := engine.RegisterHeaderExtension(extension, webrtc.RTPCodecTypeVideo); err != nil {
			return nil, err
		}
	}
	registry := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(engine, registry); err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry))
	return api.NewPeerConnection(webrtc.Configuration{})
}

func main() {
	pc, err := connection()
	if err != nil {
		panic(err)
	}
	p := &peer{pc: pc, channels: map[string]*webrtc.DataChannel{}, tallies: map[string]*tally{}}
	pc.OnTrack(count)
	pc.OnDataChannel(p.adopt)
	pc.OnICECandidate(p.candidate)
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) { say("state", s.String()) })
	say("hello", map[string]string{"name": "Pion webrtc", "version": version})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l line
		err := json.Unmarshal(lines.Bytes(), &l)
		if err == nil {
			err = p.obey(l)
		}
		if err != nil {
			say("error", err.Error())
		}
	}
}
