//! Whole calls at random. What once failed is kept here, shrunk, under the name of what was wrong;
//! `cargo xtask sim` looks for more.

use duologue_sim::swarm::{Scenario, run};

/// Lives a scenario as it was kept.
fn live(text: &str) {
    let scenario: Scenario = text.parse().expect("a scenario");
    run(&scenario, || 0);
}

#[test]
fn calls_at_random_come_to_an_agreement() {
    let mut heard = 0;
    for seed in [1, 15, 19, 28] {
        let summary = run(&Scenario::random(seed), || 0);
        heard += summary.media.min(summary.messages);
    }
    assert!(heard > 0, "some of them send data and media");
}

#[test]
fn two_ends_that_both_want_to_send_alone_do_not_negotiate_without_end() {
    live(
        "seed 5
         add-transceiver 9 900 297 then 0 ms
         set-direction 8 269 569 then 0 ms",
    );
}

#[test]
fn a_full_socket_while_data_flows_leaves_no_timer_in_the_past() {
    live(
        "seed 600
         create-channel 8 579 791 then 0 ms
         stop 6 457 736 then 638 ms
         send 2 604 884 then 0 ms
         block 2 118 103 then 0 ms
         send 0 829 998 then 956 ms",
    );
}

#[test]
fn an_encoding_that_is_switched_off_and_on_goes_on_with_a_key_frame() {
    live(
        "seed 335
         add-track 11 375 559 then 0 ms
         add-transceiver 3 205 680 then 0 ms
         add-track 3 612 122 then 0 ms
         add-track 0 649 205 then 143 ms
         stop 11 688 738 then 0 ms
         stop 11 201 743 then 0 ms
         set-parameters 10 635 687 then 0 ms
         add-transceiver 0 716 208 then 5506 ms
         set-parameters 8 524 910 then 0 ms",
    );
}

/// The DTLS roles of the new transport are the other way round.
#[test]
fn a_channel_that_is_made_while_its_transport_is_replaced_comes_to_be() {
    live(
        "seed 1048
         participants 3
         add-transceiver 7 887 158 then 0 ms
         remove-track 5 726 998 then 0 ms
         send 11 610 444 then 0 ms
         create-channel 6 940 909 then 0 ms
         create-negotiated 5 461 778 then 0 ms
         set-direction 0 581 563 then 0 ms
         add-transceiver 2 107 440 then 0 ms
         set-parameters 0 5 896 then 83 ms
         stop 6 738 890 then 0 ms
         create-channel 6 342 138 then 0 ms
         send 6 945 6 then 0 ms",
    );
}

#[test]
fn messages_that_overtake_the_news_of_the_association_are_not_lost() {
    live(
        "seed 945
         create-channel 6 684 467 then 0 ms
         set-direction 0 299 518 then 38 ms
         close-channel 6 240 696 then 9 ms
         add-track 8 162 797 then 17 ms
         move 7 233 444 then 0 ms
         create-channel 8 593 721 then 0 ms
         create-negotiated 5 89 26 then 0 ms
         create-channel 6 401 392 then 0 ms
         block 3 998 684 then 0 ms
         create-channel 0 946 730 then 0 ms
         restart-ice 11 473 547 then 674 ms
         send 10 652 94 then 0 ms",
    );
}

/// The other end offers a transport that takes the place of one that never connected.
#[test]
fn channels_of_both_ends_have_ids_of_their_own_when_their_transport_is_replaced() {
    live(
        "seed 1398
         add-track 2 710 3 then 0 ms
         cut 10 936 108 then 0 ms
         signalling 1 936 390 then 1499 ms
         create-channel 10 254 965 then 2719 ms
         stop 3 841 488 then 0 ms
         signalling 4 255 958 then 0 ms
         add-track 2 777 664 then 0 ms
         create-channel 11 271 786 then 0 ms
         loss 1 443 261 then 0 ms
         duplicate 1 210 394 then 0 ms
         heal 3 603 460 then 0 ms
         burst 10 256 89 then 2709 ms
         send 2 531 974 then 0 ms",
    );
}

#[test]
fn a_channel_on_the_stream_of_one_that_was_closed_comes_to_be_though_an_answer_is_lost() {
    live(
        "seed 438
         participants 2
         create-channel 2 764 144 then 0 ms
         add-track 10 402 632 then 0 ms
         add-track 8 436 313 then 0 ms
         add-track 1 178 78 then 255 ms
         delay 1 766 159 then 0 ms
         duplicate 11 994 400 then 49 ms
         signalling 3 274 955 then 27 ms
         send 11 383 780 then 0 ms
         burst 2 616 238 then 228 ms
         send 3 459 563 then 31 ms
         send 4 105 334 then 0 ms
         loss 2 294 588 then 0 ms
         send 7 619 393 then 91 ms
         set-parameters 8 995 462 then 65 ms
         refuse-offer 9 254 589 then 7 ms
         loss 10 81 149 then 3074 ms
         duplicate 0 540 803 then 0 ms
         signalling 3 54 592 then 348 ms
         send 1 928 438 then 347 ms
         add-track 5 932 681 then 353 ms
         set-direction 5 712 873 then 27 ms
         replace-track 3 818 29 then 234 ms
         add-track 9 255 713 then 0 ms
         create-channel 4 379 303 then 0 ms
         duplicate 10 125 546 then 0 ms
         close-channel 2 434 501 then 0 ms
         offer 1 487 988 then 4970 ms
         create-channel 4 588 17 then 0 ms
         close-channel 4 176 10 then 0 ms",
    );
}
