//! What the exporter answers.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use jumpstarter_proto::v1::exporter_service_server::ExporterService;
use jumpstarter_proto::v1::{
    DriverCallRequest, DriverCallResponse, EndSessionRequest, EndSessionResponse,
    GetReportResponse, GetStatusRequest, GetStatusResponse, LogStreamResponse, ResetRequest,
    ResetResponse, StreamingDriverCallRequest, StreamingDriverCallResponse,
};
use serde_json::{Value, json};
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status};

use super::{Running, scripts};

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Running {
    pub fn check<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let given = request.metadata().get("x-jumpstarter-passphrase");
        match &self.fake.passphrase {
            Some(passphrase) if given.is_none_or(|given| given != passphrase.as_str()) => {
                Err(Status::unauthenticated("invalid or missing passphrase"))
            }
            _ => Ok(()),
        }
    }

    fn record(&self, uuid: &str, method: &str, args: &[Bytes]) -> Vec<Value> {
        let args: Vec<Value> = args
            .iter()
            .map(|arg| jumpstarter_value::from_slice(arg).unwrap())
            .collect();
        let line = format!("{uuid}.{method} {}", Value::from(args.clone()));
        self.calls.lock().unwrap().push(line);
        args
    }
}

pub fn encode(value: &Value) -> Bytes {
    jumpstarter_value::to_vec(value).unwrap().into()
}

#[tonic::async_trait]
impl ExporterService for Running {
    type StreamingDriverCallStream = Answers<StreamingDriverCallResponse>;
    type LogStreamStream = Answers<LogStreamResponse>;

    async fn get_report(
        &self,
        request: Request<()>,
    ) -> Result<Response<GetReportResponse>, Status> {
        self.check(&request)?;
        if let Some(status) = &self.fake.broken {
            return Err(status.clone());
        }
        Ok(Response::new(GetReportResponse {
            reports: self.fake.reports.clone(),
            motd: self.fake.motd.clone(),
            ..Default::default()
        }))
    }

    async fn driver_call(
        &self,
        request: Request<DriverCallRequest>,
    ) -> Result<Response<DriverCallResponse>, Status> {
        self.check(&request)?;
        let call = request.into_inner();
        let args = self.record(&call.uuid, &call.method, &call.args);
        if let Some(answer) = self.data_call(&call.uuid, &call.method, &args).await {
            return answer.map(|result| {
                Response::new(DriverCallResponse {
                    uuid: String::new(),
                    result: encode(&result),
                })
            });
        }
        let result = match call.method.as_str() {
            "nothing" | "on" | "off" => Value::Null,
            "echo" => args.first().cloned().unwrap_or_default(),
            "all" => Value::from(args),
            "text" => json!("plain\ntext"),
            "refuse" => return Err(Status::invalid_argument("not like this")),
            "get_methods" => scripts::names(&call.uuid)?,
            "slow" => {
                tokio::time::sleep(Duration::from_secs(600)).await;
                Value::Null
            }
            "items" => {
                let text = "method items missing marker marker_drivercall";
                return Err(Status::not_found(text));
            }
            method => {
                let text = format!("method {method} not found on driver");
                return Err(Status::not_found(text));
            }
        };
        Ok(Response::new(DriverCallResponse {
            uuid: String::new(),
            result: encode(&result),
        }))
    }

    async fn streaming_driver_call(
        &self,
        request: Request<StreamingDriverCallRequest>,
    ) -> Result<Response<Self::StreamingDriverCallStream>, Status> {
        self.check(&request)?;
        let call = request.into_inner();
        let args = self.record(&call.uuid, &call.method, &call.args);
        let items = match call.method.as_str() {
            "read" => vec![
                Ok(json!({"voltage": 0.0, "current": 0.0})),
                Ok(json!({"voltage": 5.0, "current": 2.0})),
            ],
            "items" => vec![Ok(json!(1.0)), Ok(json!("two")), Ok(json!({"three": 3.5}))],
            "call_method" => return Ok(Response::new(scripts::run(&args))),
            "list" | "scan" => vec![Ok(json!("/")), Ok(json!("a/"))],
            "breaks" => vec![
                Ok(json!("first")),
                Err(Status::internal("the wire came off")),
            ],
            _ => vec![Err(Status::not_found("no such stream"))],
        };
        let answers = items.into_iter().map(|item| {
            item.map(|item| StreamingDriverCallResponse {
                uuid: String::new(),
                result: encode(&item),
            })
        });
        Ok(Response::new(Box::pin(tokio_stream::iter(
            answers.collect::<Vec<_>>(),
        ))))
    }

    async fn log_stream(
        &self,
        request: Request<()>,
    ) -> Result<Response<Self::LogStreamStream>, Status> {
        self.check(&request)?;
        if let Some(failure) = self.log_failures.lock().unwrap().pop_front() {
            return Err(failure);
        }
        let lines: Vec<_> = self.log.lock().unwrap().drain(..).map(Ok).collect();
        // Like a real one, it does not end by itself.
        let stream = tokio_stream::iter(lines).chain(tokio_stream::pending());
        Ok(Response::new(Box::pin(stream)))
    }

    async fn reset(&self, _: Request<ResetRequest>) -> Result<Response<ResetResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_status(
        &self,
        request: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        self.check(&request)?;
        let mut asked = self.asked.lock().unwrap();
        let statuses = &self.fake.statuses;
        let index = (*asked).min(statuses.len() - 1);
        *asked += 1;
        statuses[index].clone().map(Response::new)
    }

    async fn end_session(
        &self,
        _: Request<EndSessionRequest>,
    ) -> Result<Response<EndSessionResponse>, Status> {
        // Nobody who did not make the session may end it.
        self.calls.lock().unwrap().push("EndSession".to_owned());
        Ok(Response::new(EndSessionResponse::default()))
    }
}
