# aiortc 1.16.0
import asyncio

from aiortc import RTCPeerConnection


async def main():
    alice, bob = RTCPeerConnection(), RTCPeerConnection()
    channel = alice.createDataChannel("greetings")
    done = asyncio.Event()

    @bob.on("datachannel")
    def announced(incoming):
        @incoming.on("message")
        def heard(message):
            print("Bob got", message)
            incoming.send(b"\x01\x02\x03")

    @channel.on("open")
    def opened():
        channel.send("Hello, Bob")

    @channel.on("message")
    def answered(message):
        print("Alice got", message)
        done.set()

    # Descriptions have all candidates: they are gathered in setLocalDescription.
    await alice.setLocalDescription(await alice.createOffer())
    await bob.setRemoteDescription(alice.localDescription)
    await bob.setLocalDescription(await bob.createAnswer())
    await alice.setRemoteDescription(bob.localDescription)
    await done.wait()
    await alice.close()
    await bob.close()


asyncio.run(main())
