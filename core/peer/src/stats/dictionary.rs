/// Declares a dictionary that inherits from `RTCStats`. The members of the second part may be absent,
/// and are absent in JSON then.
macro_rules! dictionary {
    ($(#[$doc:meta])* pub struct $name:ident {
        $($(#[$member_doc:meta])* pub $member:ident: $type:ty,)*
    } $(optional {
        $($(#[$option_doc:meta])* pub $option:ident: $option_type:ty,)+
    })?) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq)]
        #[cfg_attr(
            feature = "serde",
            derive(serde::Serialize),
            serde(rename_all = "camelCase")
        )]
        #[non_exhaustive]
        pub struct $name {
            /// Names the object in its report.
            pub id: String,
            /// Milliseconds since 1970.
            pub timestamp: f64,
            $($(#[$member_doc])* pub $member: $type,)*
            $($(
                $(#[$option_doc])*
                #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
                pub $option: Option<$option_type>,
            )+)?
        }

        impl std::fmt::Debug for $name {
            /// Without addresses.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("id", &self.id)
                    .finish_non_exhaustive()
            }
        }
    };
}
