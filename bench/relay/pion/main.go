// A WHIP and WHEP server of one stream on Debian's Pion, for cargo xtask bench relay: packets of the
// publisher go to each viewer as they come.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"
)

type stream struct {
	lock      sync.Mutex
	track     *webrtc.TrackLocalStaticRTP
	publisher *webrtc.PeerConnection
	ssrc      uint32
}

var (
	api  *webrtc.API
	live stream
)

func main() {
	engine := webrtc.SettingEngine{}
	engine.SetIncludeLoopbackCandidate(true)
	engine.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(err)
	check(socket.SetReadBuffer(4 << 20))
	check(socket.SetWriteBuffer(4 << 20))
	engine.SetICEUDPMux(webrtc.NewICEUDPMux(nil, socket))
	media := &webrtc.MediaEngine{}
	check(media.RegisterDefaultCodecs())
	// Retransmission and reports, as every user of Pion has them.
	registry := &interceptor.Registry{}
	check(webrtc.RegisterDefaultInterceptors(media, registry))
	api = webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithSettingEngine(engine), webrtc.WithInterceptorRegistry(registry))

	http.HandleFunc("/whip/live", serve(publish))
	http.HandleFunc("/whep/live", serve(play))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Printf("http://%s\n", listener.Addr())
	check(http.Serve(listener, nil))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// Answers an offer with all candidates.
func serve(prepare func(*webrtc.PeerConnection) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		offer, err := io.ReadAll(r.Body)
		if err == nil {
			err = answer(w, string(offer), prepare)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}
}

func answer(w http.ResponseWriter, offer string, prepare func(*webrtc.PeerConnection) error) error {
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return err
	}
	if err = prepare(pc); err != nil {
		return err
	}
	remote := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}
	if err = pc.SetRemoteDescription(remote); err != nil {
		return err
	}
	local, err := pc.CreateAnswer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err = pc.SetLocalDescription(local); err != nil {
		return err
	}
	<-gathered
	w.Header().Set("Content-Type", "application/sdp")
	w.Header().Set("Location", "/session/1")
	sdp := pc.LocalDescription().SDP
	w.Header().Set("Content-Length", strconv.Itoa(len(sdp)))
	w.WriteHeader(http.StatusCreated)
	_, err = io.WriteString(w, sdp)
	return err
}

func publish(pc *webrtc.PeerConnection) error {
	codec := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
	track, err := webrtc.NewTrackLocalStaticRTP(codec, "video", "live")
	if err != nil {
		return err
	}
	live.lock.Lock()
	live.track, live.publisher = track, pc
	live.lock.Unlock()
	pc.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		live.lock.Lock()
		live.ssrc = uint32(remote.SSRC())
		live.lock.Unlock()
		buffer := make([]byte, 1500)
		for {
			n, _, err := remote.Read(buffer)
			if err != nil {
				return
			}
			// Of viewers that are gone.
			_, _ = track.Write(buffer[:n])
		}
	})
	return nil
}

func play(pc *webrtc.PeerConnection) error {
	live.lock.Lock()
	defer live.lock.Unlock()
	if live.track == nil {
		return fmt.Errorf("nobody publishes")
	}
	sender, err := pc.AddTrack(live.track)
	if err != nil {
		return err
	}
	// Interceptors see RTCP where somebody reads it.
	go func() {
		buffer := make([]byte, 1500)
		for {
			if _, _, err := sender.Read(buffer); err != nil {
				return
			}
		}
	}()
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			askForKeyFrame()
		}
	})
	return nil
}

func askForKeyFrame() {
	live.lock.Lock()
	defer live.lock.Unlock()
	request := &rtcp.PictureLossIndication{MediaSSRC: live.ssrc}
	_ = live.publisher.WriteRTCP([]rtcp.Packet{request})
}
