/** mediacapture-streams §4.4: a track was added to a stream or removed from it by the platform. */
import * as shapes from '../idl/interfaces.js';
import { eventInterface } from './event.js';

export const MediaStreamTrackEvent = eventInterface(shapes.MediaStreamTrackEvent);
export type MediaStreamTrackEvent = InstanceType<typeof MediaStreamTrackEvent>;
