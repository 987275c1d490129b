//! Header extensions (RFC 8285): elements of one and of two bytes of head, which of them were
//! agreed on, and what they say.

mod capture_time;
mod corruption;
mod dependency;
mod elements;
mod extensions;
mod kind;
mod layers;
mod map;
mod send;
mod time;
mod values;

pub use capture_time::CaptureTime;
pub use corruption::{CorruptionDetection, SampleFilter, SampleIndex};
pub use dependency::{
    DependencyDescriptor, DependencyReader, DependencyStructure, DescriptorError, DescriptorToSend,
    FrameDependencies, Indication,
};
pub use elements::{Element, Elements, ExtensionBlock};
pub use extensions::Extensions;
pub use kind::{ExtensionKind, uri};
pub use layers::{AllocatedLayer, LayerSize, LayersAllocation};
pub use map::ExtensionMap;
pub use send::ExtensionsToSend;
pub use time::{AbsSendTime, TransmissionOffset};
pub use values::{AudioLevel, PlayoutDelay, Rotation, VideoOrientation};

#[cfg(test)]
pub(crate) use send::one_of_everything;
