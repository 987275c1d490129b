/** mediacapture-streams §4.4: a track was added to a stream or removed from it by the platform. */
import { MediaStreamTrackType } from '../media/track.js';
import { required } from '../webidl/index.js';
import { eventInterface } from './event.js';

export const MediaStreamTrackEvent = eventInterface('MediaStreamTrackEvent', {
  track: required(MediaStreamTrackType),
});
export type MediaStreamTrackEvent = InstanceType<typeof MediaStreamTrackEvent>;
