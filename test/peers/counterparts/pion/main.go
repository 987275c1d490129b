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

	"github.com/pion/webrtc/v3"
)

const message = 16384

// A line that the test tells: see test/peers/src/process.rs.
type line struct {
	Do          string
	Media       bool
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

func (p *peer) offer(l line) error {
	if l.Media {
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			if _, err := p.pc.AddTransceiverFromKind(kind); err != nil {
				return err
			}
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

func main() {
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		panic(err)
	}
	p := &peer{pc: pc, channels: map[string]*webrtc.DataChannel{}, tallies: map[string]*tally{}}
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
