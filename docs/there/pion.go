// Pion 3.1.56, as Debian 12 has it.
package main

import (
	"fmt"

	"github.com/pion/webrtc/v3"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	alice, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	must(err)
	bob, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	must(err)
	channel, err := alice.CreateDataChannel("greetings", nil)
	must(err)

	done := make(chan struct{})
	bob.OnDataChannel(func(incoming *webrtc.DataChannel) {
		incoming.OnMessage(func(message webrtc.DataChannelMessage) {
			fmt.Println("Bob got", string(message.Data))
			must(incoming.Send([]byte{1, 2, 3}))
		})
	})
	channel.OnOpen(func() { must(channel.SendText("Hello, Bob")) })
	channel.OnMessage(func(message webrtc.DataChannelMessage) {
		fmt.Println("Alice got", message.Data)
		close(done)
	})

	// Without trickle: each description is handed over with all its candidates.
	offer, err := alice.CreateOffer(nil)
	must(err)
	gathered := webrtc.GatheringCompletePromise(alice)
	must(alice.SetLocalDescription(offer))
	<-gathered
	must(bob.SetRemoteDescription(*alice.LocalDescription()))
	answer, err := bob.CreateAnswer(nil)
	must(err)
	gathered = webrtc.GatheringCompletePromise(bob)
	must(bob.SetLocalDescription(answer))
	<-gathered
	must(alice.SetRemoteDescription(*bob.LocalDescription()))

	<-done
	must(alice.Close())
	must(bob.Close())
}
