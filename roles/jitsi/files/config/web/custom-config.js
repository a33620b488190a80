// Nothing that a visitor does here is told to anybody else.
config.disableThirdPartyRequests = true;
config.gravatar = { disabled: true };
