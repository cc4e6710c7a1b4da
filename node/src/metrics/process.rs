//! The process itself, read at the time of the scrape.

use std::fmt;
use std::time::Instant;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use rustix::time::{ClockId, clock_gettime};

use crate::devnet::process::own_resident_bytes;

/// CPU time, memory and uptime of this process.
#[derive(Debug)]
pub(super) struct ProcessCollector {
    started: Instant,
}

impl Default for ProcessCollector {
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let cpu = ConstCounter::new(cpu_seconds());
        let help = "CPU time of the node, user and system";
        let kind = cpu.metric_type();
        cpu.encode(encoder.encode_descriptor("process_cpu", help, Some(&Unit::Seconds), kind)?)?;

        let memory = ConstGauge::new(own_resident_bytes().unwrap_or(0));
        let help = "Resident memory of the node";
        let kind = memory.metric_type();
        let unit = Some(&Unit::Bytes);
        memory.encode(encoder.encode_descriptor("process_resident", help, unit, kind)?)?;

        let uptime = ConstGauge::new(self.started.elapsed().as_secs_f64());
        let help = "Time since the node started";
        let kind = uptime.metric_type();
        let unit = Some(&Unit::Seconds);
        uptime.encode(encoder.encode_descriptor("process_uptime", help, unit, kind)?)
    }
}

/// CPU time of the whole process.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u32::try_from(time.tv_sec).unwrap_or(u32::MAX);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    f64::from(seconds) + f64::from(nanoseconds) / 1e9
}
