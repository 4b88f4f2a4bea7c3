//! The code that decodes the arguments of a call and makes a job of it.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::method::{Kind, Method};

/// The method's entry in `Exports::METHODS`.
pub(crate) fn entry(method: &Method) -> TokenStream {
    let name = &method.name;
    let params = method.params.iter().map(|param| &param.name);
    let variant = match method.kind {
        Kind::Call => quote!(Call),
        Kind::Stream => quote!(Stream),
        Kind::Bytes => quote!(Bytes),
    };
    let decode = method.params.iter().enumerate().map(|(at, param)| {
        let (variable, ty) = (format_ident!("arg{at}"), &param.ty);
        quote_spanned!(ty.span()=> let #variable: #ty = args.take()?;)
    });
    let job = job(method);
    quote! {
        ::jumpstarter_driver::__private::Method {
            name: #name,
            params: &[#(#params),*],
            start: ::jumpstarter_driver::__private::Start::#variant(|this, args| {
                let mut args = args;
                #(#decode)*
                args.end()?;
                let this = ::std::sync::Arc::clone(this);
                ::core::result::Result::Ok(#job)
            }),
        }
    }
}

/// The job, with `this: Arc<Self>` and the arguments at hand.
fn job(method: &Method) -> TokenStream {
    let call = call(method);
    // Errors about the future (that it cannot be sent, for example) are shown at the method.
    let span = method.ident.span();
    match method.kind {
        Kind::Call if method.quick => quote_spanned! {span=>
            ::jumpstarter_driver::__private::CallJob::quick(async move { #call })
        },
        Kind::Call if method.is_async => quote_spanned! {span=>
            ::jumpstarter_driver::__private::CallJob::task(async move { #call })
        },
        Kind::Call => quote_spanned! {span=>
            ::jumpstarter_driver::__private::CallJob::blocking(move || #call)
        },
        Kind::Stream => {
            let open = if method.returns.is_result {
                quote!(::jumpstarter_driver::Outcome::into_result(#call))
            } else {
                quote!(::core::result::Result::Ok(#call))
            };
            if method.returns.is_iterator {
                quote_spanned! {span=>
                    ::jumpstarter_driver::__private::StreamJob::blocking(move |items| {
                        items.run(|| #open)
                    })
                }
            } else {
                let quick = method.quick.then(|| quote!(.quick()));
                quote_spanned! {span=>
                    ::jumpstarter_driver::__private::StreamJob::new(move |feed| async move {
                        feed.run(async { #open }).await
                    })#quick
                }
            }
        }
        Kind::Bytes if method.takes_stream => quote_spanned! {span=>
            ::jumpstarter_driver::__private::BytesJob::pair(move |io| async move { #call })
        },
        Kind::Bytes if method.is_async => quote_spanned! {span=>
            ::jumpstarter_driver::__private::BytesJob::socket(async move { #call })
        },
        Kind::Bytes => quote_spanned! {span=>
            ::jumpstarter_driver::__private::BytesJob::blocking_socket(move || #call)
        },
    }
}

/// The call of the method itself.
fn call(method: &Method) -> TokenStream {
    let ident = &method.ident;
    let args = (0..method.params.len()).map(|at| format_ident!("arg{at}"));
    let io = method.takes_stream.then(|| quote!(io));
    let wait = method.is_async.then(|| quote!(.await));
    quote!(Self::#ident(&this, #(#args,)* #io)#wait)
}
