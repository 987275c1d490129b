/** mediacapture-streams §9.4: devices came or went. */
import * as shapes from '../idl/interfaces.js';
import { eventInterface } from './event.js';

export const DeviceChangeEvent = eventInterface(shapes.DeviceChangeEvent);
export type DeviceChangeEvent = InstanceType<typeof DeviceChangeEvent>;
