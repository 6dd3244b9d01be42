//! The device that tensors are on, and its name on the command line.

use std::{fmt, str::FromStr};

pub use candle_core::Device;
use candle_core::{DeviceLocation, utils};

/// A device by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceName {
    /// `cpu`.
    #[default]
    Cpu,
    /// `cuda` (the first GPU) or `cuda:N`.
    Cuda(usize),
    /// `metal`.
    Metal,
}

impl DeviceName {
    /// The name of a device.
    pub fn of(device: &Device) -> Self {
        match device.location() {
            DeviceLocation::Cpu => Self::Cpu,
            DeviceLocation::Cuda { gpu_id } => Self::Cuda(gpu_id),
            DeviceLocation::Metal { .. } => Self::Metal,
        }
    }

    /// Opens the device. The error says why this build or this machine has none, and what to do.
    pub fn open(self) -> Result<Device, String> {
        let (feature, is_built) = match self {
            Self::Cpu => return Ok(Device::Cpu),
            Self::Cuda(_) => ("cuda", utils::cuda_is_available()),
            Self::Metal => ("metal", utils::metal_is_available()),
        };
        if !is_built {
            return Err(format!(
                "--device {self}: this program was built without {feature}; build it with \
                 `cargo install --path . --features {feature}`"
            ));
        }
        let opened = match self {
            Self::Cuda(number) => Device::new_cuda(number),
            _ => Device::new_metal(0),
        };
        opened.map_err(|error| format!("--device {self}: {error}"))
    }
}

impl FromStr for DeviceName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "cpu" => return Ok(Self::Cpu),
            "cuda" => return Ok(Self::Cuda(0)),
            "metal" => return Ok(Self::Metal),
            _ => {}
        }
        let number = name.strip_prefix("cuda:").and_then(|number| number.parse().ok());
        number.map(Self::Cuda).ok_or_else(|| "expected cpu, cuda, cuda:N or metal".to_owned())
    }
}

/// As written in a journal.
impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::Metal => f.write_str("metal"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_and_written() {
        for (name, device, written) in [
            ("cpu", DeviceName::Cpu, "cpu"),
            ("cuda", DeviceName::Cuda(0), "cuda:0"),
            ("cuda:3", DeviceName::Cuda(3), "cuda:3"),
            ("metal", DeviceName::Metal, "metal"),
        ] {
            assert_eq!(name.parse(), Ok(device));
            assert_eq!(device.to_string(), written);
        }
        for name in ["", "CPU", "cuda:", "cuda:-1", "cuda:one", "metal:0", "gpu"] {
            assert!(name.parse::<DeviceName>().is_err(), "{name}");
        }
        assert_eq!(DeviceName::of(&Device::Cpu), DeviceName::Cpu);
    }

    #[test]
    fn a_device_missing_from_the_build_says_how_to_build_it() {
        assert!(DeviceName::Cpu.open().unwrap().is_cpu());
        if !utils::cuda_is_available() {
            let refused = DeviceName::Cuda(1).open().unwrap_err();
            assert!(refused.starts_with("--device cuda:1: "), "{refused}");
            assert!(refused.ends_with("`cargo install --path . --features cuda`"), "{refused}");
        }
    }
}
